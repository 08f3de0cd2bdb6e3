use super::{Answer, linear};
use std::f64::consts::LN_2;
use tweedie_diffusion::{Bound, VarianceKind};
use tweedie_tensor::Tensor;

pub(crate) const ANSWERS: &[Answer] = &[("bound.prior", prior), ("bound.least", least)];

/// L_T of a white picture, in bits a dimension.
fn prior() -> f64 {
    let schedule = linear();
    Bound::new(&schedule, VarianceKind::FixedSmall).prior(&Tensor::full([1, 1], 1.0f64))[0] / LN_2
}

/// Σ L_{t−1} of ε_θ = 0 where each step has the variance that costs least.
fn least() -> f64 {
    let schedule = linear();
    let term = |t: usize| {
        let step = schedule.step(t);
        let error = step.beta * step.beta / (step.alpha * step.from.noise * step.from.noise);
        let variance = step.posterior_variance() + error;
        error / (2.0 * variance) + step.kl_constant(variance)
    };
    (1..1000).map(term).sum::<f64>() / LN_2
}
