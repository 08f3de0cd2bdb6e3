//! Diffusion whole, in the plane: a small network learns to denoise two moons, and three samplers turn noise into moons with
//! it. Writes `two-moons.svg`: the densities over time, forward and in reverse, and the ways that points take.

#[path = "support/moons.rs"]
mod moons;
#[path = "support/point_network.rs"]
mod point_network;
#[path = "support/svg.rs"]
mod svg;

use moons::two_moons;
use point_network::PointNetwork;
use std::error::Error;
use std::path::Path;
use svg::{Drawing, Panel};
use tweedie::diffusion::{TimestepSampler, TimestepSampling};
use tweedie::nn::lr::LearningRate;
use tweedie::prelude::*;

const NOISE: Purpose = Purpose::new(129);
const START: Purpose = Purpose::new(130);
const BATCH: usize = 256;
const STEPS: u64 = 1500;

fn main() -> Result<(), Box<dyn Error>> {
    let schedule = Schedule::cosine(1000)?;
    let (data, _) = two_moons(4096, 0);
    let builder = Builder::new();
    let network = PointNetwork::new(&builder, 128);
    let rate = LearningRate::Cosine { peak: 2e-3, warmup: 50, total: STEPS, floor: 0.0 };
    let mut fit = Fit::new(builder.draw(0), OptimConfig::adamw(), rate)?.with_average(0.99)?;

    // Training: noise a batch to times of its own, ask for v, descend the squared error.
    let loss = Loss::simple(PredictionKind::V);
    let times = TimestepSampler::new(TimestepSampling::Stratified, schedule.num_timesteps())?;
    let mut mean = 0.0;
    for step in 0..STEPS {
        let x0 = data.narrow(0, step as usize * BATCH % data.dims()[0], BATCH)?;
        let t: Vec<usize> = times.draw(BATCH, 0..BATCH, 0, step)?.iter().map(|draw| draw.t).collect();
        let clocks: Vec<f64> = t.iter().map(|&t| t as f64).collect();
        let noise = random::normal([BATCH, 2], 0, NOISE, step, 0);
        let x_t = Var::constant(schedule.q_sample(&x0, &t, &noise)?);
        let output = fit.forward(|ctx| network.forward(ctx, x_t, &clocks))?;
        let value = loss.evaluate(&schedule, &x0, &noise, &t, output.value().clone(), &[1.0; BATCH])?;
        fit.step_from(output, value.gradient)?;
        mean += value.losses.iter().sum::<f64>() / (BATCH * 250) as f64;
        if (step + 1) % 250 == 0 {
            println!("step {:>4}: loss {mean:.4}", step + 1);
            mean = 0.0;
        }
    }

    // Sampling: the same network under three samplers.
    let denoiser = NetworkDenoiser::new(PredictionKind::V, fit.averaged(), |ctx, x, inputs| {
        network.forward(ctx, x, inputs.timesteps)
    });
    let start: Tensor = random::normal([2048, 2], 0, START, 0, 0);
    let run = |kind: SamplerKind, steps: usize| -> Result<Vec<Tensor>, tweedie::diffusion::Error> {
        let sampler = SamplerSettings::new(kind).build(&kind.times(&schedule, steps, None)?)?;
        let nothing = Condition::default();
        let states = sampler.run(&denoiser, start.clone(), &nothing, 0);
        [Ok(start.clone())].into_iter().chain(states.map(|state| state.map(|state| state.x))).collect()
    };
    let mut drawing = Drawing::new(1004, 790);
    println!("\nsampler          steps  near a moon  left moon");
    let samplers = [(SamplerKind::Ddpm, 100), (SamplerKind::Ddim, 40), (SamplerKind::Dpmpp2m, 10)];
    for (i, (kind, steps)) in samplers.into_iter().enumerate() {
        let states = run(kind, steps)?;
        let (near, left) = judge(&states[steps], &data);
        println!("{:<15}  {steps:>5}  {:>10.1}%  {:>8.1}%", kind.title(), 100.0 * near, 100.0 * left);
        assert!(near > 0.95, "{kind} leaves points between the moons");
        assert!((0.4..0.6).contains(&left), "{kind} draws one moon more often than the other");

        let large = Panel { left: 10 + 332 * i, top: 462, side: 320 };
        drawing.panel(large, &format!("{}, {steps} steps", kind.title()));
        drawing.density(large, &data, [0, 0]);
        let points = if kind == SamplerKind::Ddpm { 12 } else { 64 };
        let some: Result<Vec<Tensor>, _> = states.iter().map(|x| x.narrow(0, 0, points)).collect();
        drawing.ways(large, &some?);
        if kind == SamplerKind::Ddpm {
            draw_densities(&mut drawing, &schedule, &data, &states)?;
        }
    }
    let path = Path::new("two-moons.svg");
    drawing.write(path)?;
    println!("\nsee {}", path.display());
    Ok(())
}

/// The data in ever more noise, and below it what a hundred steps of DDPM make of noise, at the same times.
fn draw_densities(
    drawing: &mut Drawing,
    schedule: &Schedule,
    data: &Tensor,
    states: &[Tensor],
) -> Result<(), Box<dyn Error>> {
    drawing.text(10, 20, "start", "q(x_t), the data in ever more noise");
    drawing.text(10, 212, "start", "p(x_t), what the network makes of noise");
    for column in 0..6 {
        // After k steps from t = 999 the sampler is at t = 999 − 10 k, and at the clean points in the end.
        let taken = [100, 90, 80, 70, 50, 0][column];
        let t = if taken == 100 { 0 } else { 999 - 10 * taken };
        let noise = random::normal(*data.shape(), 0, NOISE, STEPS, 0);
        let x_t = schedule.q_sample(data, &vec![t; data.dims()[0]], &noise)?;
        let points = [(x_t, [212, 60]), (states[taken].clone(), [28, 75])];
        for (row, (points, colour)) in points.into_iter().enumerate() {
            let panel = Panel { left: 10 + 166 * column, top: 50 + 190 * row, side: 154 };
            drawing.panel(panel, &format!("t = {t}"));
            drawing.density(panel, &points, colour);
        }
    }
    Ok(())
}

/// The share of points within 0.2 of some of the data, and the share whose nearest is on the moon of even numbers.
fn judge(points: &Tensor, data: &Tensor) -> (f64, f64) {
    let (mut near, mut even) = (0, 0);
    let some = points.as_slice().chunks(2).take(1000);
    for point in some {
        let distance = |other: &[f32]| (point[0] - other[0]).hypot(point[1] - other[1]);
        let others = data.as_slice().chunks(2).take(2000).map(distance).enumerate();
        let (nearest, distance) = others.fold((0, f32::INFINITY), |a, b| if b.1 < a.1 { b } else { a });
        near += usize::from(distance < 0.2);
        even += usize::from(nearest % 2 == 0);
    }
    (near as f64 / 1000.0, even as f64 / 1000.0)
}
