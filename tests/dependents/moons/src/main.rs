//! Two moons in the plane: a small network learns to denoise them, and two samplers draw them with it.
use tweedie::nn::layers::{Linear, Sinusoid};
use tweedie::prelude::*;

const N: usize = 256;
const T: usize = 200;

/// Place and time, a hidden layer of both, and the noise in the place.
struct Mlp([Linear; 4]);

impl Mlp {
    fn new(b: &Builder) -> Mlp {
        let layer = |name: &str, inputs, outputs| Linear::new(&b.pp(name), inputs, outputs);
        Mlp([layer("place", 2, 96), layer("time", 32, 96), layer("hidden", 96, 96), layer("out", 96, 2)])
    }

    fn forward(&self, ctx: &Ctx, x: Var, clocks: &[f64]) -> Result<Var, tweedie::autograd::Error> {
        let [place, time, hidden, out] = &self.0;
        let times = Var::constant(Sinusoid::ddpm(32).embed(clocks));
        let both = (place.forward(ctx, x)? + time.forward(ctx, times)?).silu()?;
        out.forward(ctx, hidden.forward(ctx, both)?.silu()?)
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
    let (b, schedule, loss) = (Builder::new(), Schedule::cosine(T)?, Loss::simple(PredictionKind::Epsilon));
    let mlp = Mlp::new(&b);
    let mut fit = Fit::new(b.draw(0), OptimConfig::adamw(), 2e-3)?.with_average(0.99)?;
    for step in 0..1500 {
        let (x0, noise) = (moons(step), random::normal([N, 2], 0, Purpose::new(129), step, 0));
        let t: Vec<usize> = (0..N).map(|i| (i * T + step as usize * 89 % T) / N).collect();
        let clocks: Vec<f64> = t.iter().map(|&t| t as f64).collect();
        let x_t = Var::constant(schedule.q_sample(&x0, &t, &noise)?);
        let output = fit.forward(|ctx| mlp.forward(ctx, x_t, &clocks))?;
        let value = loss.evaluate(&schedule, &x0, &noise, &t, output.value().clone(), &[1.0; N])?;
        fit.step_from(output, value.gradient)?;
    }
    let pass = |ctx: &Ctx, x: Var, inputs: Inputs<'_>| mlp.forward(ctx, x, inputs.timesteps);
    let denoiser = NetworkDenoiser::new(PredictionKind::Epsilon, fit.averaged(), pass);
    for kind in [SamplerKind::Ddpm, SamplerKind::Dpmpp2m] {
        let sampler = SamplerSettings::new(kind).build(&kind.times(&schedule, 50, None)?)?;
        let start = random::normal([N, 2], 0, Purpose::new(130), 0, 0);
        let drawn = sampler.last(&denoiser, start, &Condition::default(), 0)?;
        let off = |x: f32, y: f32| ((x + 0.5).hypot(y + 0.25) - 1.0).abs();
        let error: f32 = drawn.as_slice().chunks(2).map(|p| off(p[0], p[1]).min(off(-p[0], -p[1]))).sum();
        println!("{kind}: points lie {:.3} from a moon, in the mean", error / N as f32);
        assert!(error / (N as f32) < 0.08);
    }
    Ok(())
}
