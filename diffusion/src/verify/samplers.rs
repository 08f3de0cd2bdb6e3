//! Samplers on data whose denoiser is known.

use super::{Case, Row};
use crate::{Condition, Ddim, Ddpm, Denoiser, GaussianDenoiser, Grid, Result, Spacing, VarianceKind};
use tweedie_tensor::Tensor;

pub(super) fn rows(case: &Case<'_>) -> Result<Vec<Row>> {
    let mut rows = vec![
        ancestral(case, "fixed small", VarianceKind::FixedSmall)?,
        ancestral(case, "fixed large", VarianceKind::FixedLarge)?,
        ddim_gain(case)?,
    ];
    rows.extend(eta_one(case)?);
    Ok(rows)
}

fn gaussian(variance: f64) -> Result<GaussianDenoiser<f64>> {
    GaussianDenoiser::new(Tensor::zeros([1]), variance)
}

/// The variance that ancestral sampling puts out for data N(0, ¼): each step is x' = g x + σ z, the last without noise.
fn ancestral(case: &Case<'_>, name: &str, kind: VarianceKind) -> Result<Row> {
    let data = 0.25;
    let mut expected = 1.0;
    for t in (1..=case.timesteps).rev() {
        let ((signal, noise), (s, u)) = (case.reference.level(t), case.reference.level(t - 1));
        let gain = signal.sqrt() * data / (signal * data + noise);
        let (beta, alpha) = (case.reference.beta[t - 1], case.reference.alpha[t - 1]);
        let factor = s.sqrt() * beta / noise * gain + alpha.sqrt() * u / noise;
        let added = match kind {
            _ if t == 1 => 0.0,
            VarianceKind::FixedLarge => beta,
            VarianceKind::FixedSmall => case.reference.posterior_variance(t),
        };
        expected = factor * factor * expected + added;
    }
    let (denoiser, one, mut actual) = (gaussian(data)?, Tensor::full([1, 1], 1.0), 1.0);
    for t in (0..case.timesteps).rev() {
        let prediction = denoiser.predict(&one, &[case.schedule.timestep(t)], &Condition::default())?;
        let p = case.subject.p_mean_variance(&case.schedule, &prediction, &one, &[t], kind)?;
        let factor = p.mean.as_slice()[0];
        actual = factor * factor * actual + if t == 0 { 0.0 } else { p.variance[0] };
    }
    Ok(Row::relative(format!("data N(0, ¼), ancestral sampling: variance, {name}"), expected, actual, 1e-8))
}

/// What DDIM in 50 leading steps multiplies x_T by, for data N(0, 1).
fn ddim_gain(case: &Case<'_>) -> Result<Row> {
    let steps = case.timesteps.min(50);
    let stride = case.timesteps / steps;
    let mut expected = 1.0;
    for k in (0..steps).rev() {
        let ((signal, noise), (s, u)) = (
            case.reference.level(k * stride + 1),
            if k == 0 { (1.0, 0.0) } else { case.reference.level((k - 1) * stride + 1) },
        );
        let total = signal + noise;
        // x̂_0 = √ᾱ x/(ᾱ + 1 − ᾱ), ε̂ = √(1−ᾱ) x/(ᾱ + 1 − ᾱ).
        expected *= (s.sqrt() * signal.sqrt() + u.sqrt() * noise.sqrt()) / total;
    }
    let sampler = Ddim::new(&case.schedule, &Grid::new(case.timesteps, steps, Spacing::Leading, 0)?, 0.0)?;
    let actual = case.paint(&sampler, &gaussian(1.0)?, 1.0)?;
    Ok(Row::relative(format!("data N(0, 1), DDIM in {steps} leading steps: gain"), expected, actual, 1e-9))
}

/// DDIM with η = 1 is DDPM with β̃: the same pictures from the same noise.
fn eta_one(case: &Case<'_>) -> Result<[Row; 1]> {
    let grid = Grid::new(case.timesteps, case.timesteps.min(100), Spacing::Trailing, 0)?;
    let denoiser = gaussian(0.25)?;
    let ddim = case.paint(&Ddim::new(&case.schedule, &grid, 1.0)?, &denoiser, 0.7)?;
    let ddpm = case.paint(&Ddpm::new(&case.schedule, &grid, VarianceKind::FixedSmall)?, &denoiser, 0.7)?;
    Ok([Row::new("DDIM with η = 1 paints what DDPM paints", ddpm, ddim, 1e-9)])
}
