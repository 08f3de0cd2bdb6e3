use super::Answer;
use tweedie_diffusion::metrics::{Moments, frechet_distance, kernel_distance};
use tweedie_tensor::Tensor;

pub(crate) const ANSWERS: &[Answer] = &[("metrics.frechet", frechet), ("metrics.kernel", kernel)];

/// Of the features −1, 1 and −1, 5.
fn frechet() -> f64 {
    let moments = |features: [f64; 2]| Moments::of(&Tensor::from_slice([2, 1], &features).unwrap()).unwrap();
    frechet_distance(&moments([-1.0, 1.0]), &moments([-1.0, 5.0])).unwrap()
}

/// Of two sets that are the same four features, −1, 1, −1 and 1.
fn kernel() -> f64 {
    let features = Tensor::from_slice([4, 1], &[-1.0, 1.0, -1.0, 1.0]).unwrap();
    kernel_distance(&features, &features, 2).unwrap().value
}
