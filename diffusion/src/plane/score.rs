use crate::{Condition, Denoiser, Error, Result, Timestep, predict_finite};
use tweedie_tensor::{Element, Tensor, ops};

/// The score ∇ log p_t(x_t) that a denoiser implies, of x_t's shape: −ε̂ / √(1−ᾱ_t), by Tweedie's formula (Efron 2011; Song and
/// Ermon 2019). All samples are at the time `t`.
///
/// # Errors
/// [`Error::Parameter`] where there is no noise; what the denoiser refuses.
pub fn score<T: Element>(
    denoiser: &(impl Denoiser<T> + ?Sized),
    x_t: &Tensor<T>,
    t: Timestep,
) -> Result<Tensor<T>> {
    let noise = t.level().noise;
    if noise == 0.0 {
        return Err(Error::parameter("score", "noise at t", t.clock(), "without noise there is no score"));
    }
    let times = vec![t; x_t.dims().first().copied().unwrap_or(0)];
    let prediction = predict_finite(denoiser, x_t, &times, &Condition::default())?;
    Ok(ops::combine(&[(&vec![-1.0 / noise; times.len()], &prediction.epsilon(x_t, &times)?)])?)
}

/// How far one score is from another.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ScoreError {
    /// E‖s_θ − s‖², the Fisher divergence where x_t is drawn from the exact density.
    pub squared: f64,
    /// E‖s‖², what predicting 0 would come to.
    pub of_exact: f64,
    /// (1−ᾱ_t) E‖s_θ − s‖² = E‖ε_θ − ε*‖², the same in units of the noise: what a loss on ε adds to its least value.
    pub in_noise: f64,
}

/// Compares the scores of two denoisers, the second one exact, at the samples `x_t` at time `t`.
///
/// # Errors
/// As [`score`].
pub fn score_error<T: Element>(
    learnt: &(impl Denoiser<T> + ?Sized),
    exact: &(impl Denoiser<T> + ?Sized),
    x_t: &Tensor<T>,
    t: Timestep,
) -> Result<ScoreError> {
    let (learnt, exact) = (score(learnt, x_t, t)?, score(exact, x_t, t)?);
    let n = x_t.dims().first().copied().unwrap_or(0).max(1) as f64;
    let (mut squared, mut of_exact) = (0.0, 0.0);
    for (a, b) in learnt.as_slice().iter().zip(exact.as_slice()) {
        let (a, b) = (a.to_f64(), b.to_f64());
        squared += (a - b) * (a - b) / n;
        of_exact += b * b / n;
    }
    let noise = t.level().noise;
    Ok(ScoreError { squared, of_exact, in_noise: noise * noise * squared })
}
