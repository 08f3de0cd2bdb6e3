//! Two moons in the plane: an MLP of place and time learns their v, and two samplers draw them with it.
use tweedie::nn::layers::{Linear, Sinusoid};
use tweedie::prelude::*;

const N: usize = 256;
const T: usize = 200;

struct Mlp([Linear; 5]);

impl Mlp {
    fn new(b: &Builder) -> Mlp {
        let sizes = [("x", 2, 96), ("t", 32, 96), ("a", 96, 96), ("b", 96, 96), ("out", 96, 2)];
        Mlp(sizes.map(|(name, inputs, outputs)| Linear::new(&b.pp(name), inputs, outputs)))
    }

    fn forward(&self, ctx: &Ctx, x: Var, clocks: &[f64]) -> Result<Var, tweedie::autograd::Error> {
        let [place, time, first, second, out] = &self.0;
        let times = Var::constant(Sinusoid::ddpm(32).embed(clocks));
        let both = (place.forward(ctx, x)? + time.forward(ctx, times)?).silu()?;
        out.forward(ctx, second.forward(ctx, first.forward(ctx, both)?.silu()?)?.silu()?)
    }
}

/// Points on a half circle of radius 1 around (−0.5, −0.25), and on the same turned around the origin.
fn moons(draw: u64) -> Tensor {
    let angles = random::uniform([N], 0, Purpose::new(128), draw, 0, 0.0f32, std::f32::consts::PI);
    Tensor::from_fn([N, 2], |i| {
        let (sin, cos) = angles[[i / 2]].sin_cos();
        [cos - 0.5, sin - 0.25][i % 2] * [1.0, -1.0][i / 2 % 2]
    })
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (b, schedule, loss) = (Builder::new(), Schedule::cosine(T)?, Loss::simple(PredictionKind::V));
    let mlp = Mlp::new(&b);
    let mut fit = Fit::new(b.draw(0), OptimConfig::adamw(), 2e-3)?.with_average(0.998)?;
    for step in 0..4000 {
        let (x0, noise) = (moons(step), random::normal([N, 2], 0, Purpose::new(129), step, 0));
        let t: Vec<usize> = (0..N).map(|i| (i * T + step as usize * 89 % T) / N).collect();
        let clocks: Vec<f64> = t.iter().map(|&t| t as f64).collect();
        let x_t = Var::constant(schedule.q_sample(&x0, &t, &noise)?);
        let output = fit.forward(|ctx| mlp.forward(ctx, x_t, &clocks))?;
        let value = loss.evaluate(&schedule, &x0, &noise, &t, output.value().clone(), &[1.0; N])?;
        fit.step_from(output, value.gradient)?;
    }
    let pass = |ctx: &Ctx, x: Var, inputs: Inputs<'_>| mlp.forward(ctx, x, inputs.timesteps);
    let denoiser = NetworkDenoiser::new(PredictionKind::V, fit.averaged(), pass);
    for kind in [SamplerKind::Ddpm, SamplerKind::Dpmpp2m] {
        let sampler = SamplerSettings::new(kind).build(&kind.times(&schedule, 50, None)?)?;
        let start = random::normal([N, 2], 0, Purpose::new(130), 0, 0);
        let drawn = sampler.last(&denoiser, start, &Condition::default(), 0)?;
        let off = |x: f32, y: f32| ((x + 0.5).hypot(y + 0.25) - 1.0).abs();
        let error = |p: &[f32]| off(p[0], p[1]).min(off(-p[0], -p[1])) / N as f32;
        let error: f32 = drawn.as_slice().chunks(2).map(error).sum();
        println!("{kind}: points lie {error:.3} from a moon, in the mean");
        assert!(error < 0.06);
    }
    Ok(())
}
