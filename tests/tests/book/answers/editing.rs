use super::Answer;
use tweedie_diffusion::{GaussianDenoiser, Level, lerp};
use tweedie_tensor::Tensor;

pub(crate) const ANSWERS: &[Answer] = &[("editing.middle", middle), ("editing.correlation", correlation)];

/// The length of the middle between two unit vectors at a right angle.
fn middle() -> f64 {
    let [a, b] = [[1.0, 0.0], [0.0, 1.0]].map(|row| Tensor::from_slice([1, 2], &row).unwrap());
    lerp(&a, &b, 0.5).unwrap().as_slice().iter().map(|x| x * x).sum::<f64>().sqrt()
}

/// s² v / (s² v + n²) for v = ¼ and s² = ¼.
fn correlation() -> f64 {
    let level = Level { signal: 0.5, noise: 0.75f64.sqrt() };
    level.signal * GaussianDenoiser::new(Tensor::<f64>::zeros([1]), 0.25).unwrap().gain(level)
}
