use super::{Answer, linear};
use tweedie_diffusion::{Condition, Ddim, GaussianDenoiser, Sampler, Schedule, Spacing, Times};
use tweedie_tensor::Tensor;

pub(crate) const ANSWERS: &[Answer] = &[("samplers.gain", gain), ("samplers.richardson", richardson)];

/// What `steps` steps of DDIM make of 1, for data N(0, `variance`).
fn ddim(schedule: &Schedule, steps: usize, spacing: Spacing, variance: f64) -> f64 {
    let denoiser = GaussianDenoiser::new(Tensor::zeros([1]), variance).unwrap();
    let sampler = Ddim::new(&Times::spaced(schedule, steps, spacing).unwrap(), 0.0).unwrap();
    let x = sampler.last(&denoiser, Tensor::full([1, 1], 1.0f64), &Condition::default(), 0).unwrap();
    x.as_slice()[0]
}

/// The factor that 10 steps put on N(0, 1).
fn gain() -> f64 {
    ddim(&linear(), 10, Spacing::Leading, 1.0)
}

/// By how many per cent 2 x_64 − x_32 is off the exact deviation, for data N(0, ¼).
fn richardson() -> f64 {
    let (schedule, variance) = (linear(), 0.25f64);
    let start = schedule.level(999);
    let whole = (start.signal * start.signal * variance + start.noise * start.noise).sqrt();
    let [coarse, fine] = [32, 64].map(|steps| whole * ddim(&schedule, steps, Spacing::Trailing, variance));
    100.0 * ((2.0 * fine - coarse) / variance.sqrt() - 1.0).abs()
}
