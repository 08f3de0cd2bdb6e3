use super::{Answer, linear};
use tweedie_diffusion::{GaussianDenoiser, VarianceKind};
use tweedie_tensor::Tensor;

pub(crate) const ANSWERS: &[Answer] = &[("posterior.weight", weight), ("posterior.narrow", narrow)];

fn weight() -> f64 {
    linear().posterior_mean_coefficients(1).0
}

/// By how many per cent the deviation of ancestral samples of N(0, ¼) is too small.
fn narrow() -> f64 {
    let (schedule, data) = (linear(), 0.25f64);
    let denoiser = GaussianDenoiser::new(Tensor::<f64>::zeros([1]), data).unwrap();
    let mut variance = 1.0;
    for t in (0..1000).rev() {
        let step = schedule.step(t);
        let (of_x0, of_x) = step.posterior_mean_coefficients();
        let factor = of_x0 * denoiser.gain(step.from) + of_x;
        variance = factor * factor * variance + step.variance(VarianceKind::FixedSmall);
    }
    100.0 * (1.0 - (variance / data).sqrt())
}
