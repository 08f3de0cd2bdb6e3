//! The schedule explorer: what a schedule is at every t.

use crate::error::{Failure, Result};
use serde::{Deserialize, Serialize};
use tweedie_diffusion::{Bound, Schedule, ScheduleConfig, VarianceKind};
use tweedie_tensor::Tensor;

/// Steps of a schedule at most.
pub(super) const MOST_STEPS: usize = 10_000;
/// Points of a curve at most.
const POINTS: usize = 240;

/// A schedule to look at, and data to hold it against.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Request {
    schedule: ScheduleConfig,
    /// Of data N(0, s²), whose bound is known: s².
    data_variance: f64,
}

/// What is drawn. Every list is over `t`, which counts from 1.
#[derive(Serialize)]
pub(super) struct Explored {
    timesteps: usize,
    t: Vec<usize>,
    beta: Vec<f64>,
    alpha_bar: Vec<f64>,
    log_snr: Vec<f64>,
    posterior_variance: Vec<f64>,
    lambda_small: Vec<f64>,
    lambda_large: Vec<f64>,
    /// L_{t−1} of the exact denoiser of the data, in bits a dimension, and of one that predicts no noise at all.
    bound_exact: Vec<f64>,
    bound_none: Vec<f64>,
    /// The variance of x_t for data of variance 1, with the root of α and without.
    variance_with_root: Vec<f64>,
    variance_without_root: Vec<f64>,
    summary: Summary,
}

/// Single numbers of it.
#[derive(Serialize)]
struct Summary {
    alpha_bar_last: f64,
    log_snr_first: f64,
    log_snr_last: f64,
    /// KL(q(x_T | x_0) ‖ N(0, 1)), the mean over the data, in bits a dimension.
    prior_bits: f64,
    /// Σ L_{t−1} over t = 2..T, in bits a dimension.
    exact_bits: f64,
    none_bits: f64,
}

/// The schedule that a request describes.
///
/// # Errors
/// One that does not exist, or has too many steps.
pub(super) fn built(config: &ScheduleConfig) -> Result<Schedule> {
    if config.timesteps > MOST_STEPS {
        let what = format!("{} steps are more than the page draws", config.timesteps);
        return Err(Failure::user(what, "T", format!("give {MOST_STEPS} or fewer")));
    }
    Ok(config.build()?)
}

/// Every curve of the schedule.
///
/// # Errors
/// A schedule that does not exist; a variance that is none.
pub(super) fn explored(request: &Request) -> Result<Explored> {
    let Request { schedule: config, data_variance } = request;
    if !(data_variance.is_finite() && *data_variance > 0.0) {
        return Err(Failure::user(
            format!("{data_variance} is no variance"),
            "the data's variance",
            "give one above 0",
        ));
    }
    let schedule = built(config)?;
    let steps = schedule.num_timesteps();
    let without = schedule.without_root()?;
    let bound = Bound::new(&schedule, VarianceKind::FixedSmall);
    // E‖ε − ε_θ‖² a dimension: of the exact denoiser of N(0, s²) at x_t = √ᾱ x_0 + √(1−ᾱ) ε it is the variance of ε given
    // x_t, ᾱ s² / (ᾱ s² + 1 − ᾱ); of ε_θ = 0 it is 1.
    let missed = |t: usize| {
        let level = schedule.level(t);
        let (signal, noise) = (level.signal * level.signal * data_variance, level.noise * level.noise);
        signal / (signal + noise)
    };
    let bits = |t: usize, error: f64| match t {
        0 => f64::NAN,
        _ => {
            (schedule.lambda(t, VarianceKind::FixedSmall) * error + bound.constant(t))
                / std::f64::consts::LN_2
        }
    };
    let total = |error: &dyn Fn(usize) -> f64| (1..steps).map(|t| bits(t, error(t))).sum();
    let variance = |of: &Schedule, t: usize| {
        let level = of.level(t);
        level.signal * level.signal + level.noise * level.noise
    };
    let root = Tensor::full([1], data_variance.sqrt());
    let summary = Summary {
        alpha_bar_last: schedule.level(steps - 1).signal.powi(2),
        log_snr_first: schedule.log_snr(0),
        log_snr_last: schedule.log_snr(steps - 1),
        prior_bits: bound.prior(&root).iter().sum::<f64>() / std::f64::consts::LN_2,
        exact_bits: total(&missed),
        none_bits: total(&|_| 1.0),
    };
    let at = places(steps);
    let over = |f: &dyn Fn(usize) -> f64| at.iter().map(|&t| f(t)).collect();
    Ok(Explored {
        timesteps: steps,
        t: at.iter().map(|t| t + 1).collect(),
        beta: over(&|t| schedule.betas()[t]),
        alpha_bar: over(&|t| schedule.alphas_cumprod()[t]),
        log_snr: over(&|t| schedule.log_snr(t)),
        posterior_variance: over(&|t| schedule.posterior_variance(t)),
        lambda_small: over(&|t| schedule.lambda(t, VarianceKind::FixedSmall)),
        lambda_large: over(&|t| schedule.lambda(t, VarianceKind::FixedLarge)),
        bound_exact: over(&|t| bits(t, missed(t))),
        bound_none: over(&|t| bits(t, 1.0)),
        variance_with_root: over(&|t| variance(&schedule, t)),
        variance_without_root: over(&|t| variance(&without, t)),
        summary,
    })
}

/// Indices of `steps` that a curve is drawn through, the first and last among them.
fn places(steps: usize) -> Vec<usize> {
    if steps <= POINTS {
        return (0..steps).collect();
    }
    (0..POINTS).map(|i| (i * (steps - 1) + (POINTS - 1) / 2) / (POINTS - 1)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn linear(data_variance: f64) -> Explored {
        explored(&Request { schedule: ScheduleConfig::default(), data_variance }).unwrap()
    }

    #[test]
    fn the_curves_hold_the_numbers_that_are_known() {
        let explored = linear(1.0);
        let near = |a: f64, b: f64| assert!((a / b - 1.0).abs() < 1e-6, "{a} {b}");
        near(explored.summary.alpha_bar_last, 4.035829765e-5);
        near(explored.summary.log_snr_first, 9.210240367);
        // ε_θ = 0 with σ² = β̃.
        near(explored.summary.none_bits, 14.67291963);
        assert_eq!((explored.t[0], explored.t[explored.t.len() - 1]), (1, 1000));
        near(*explored.variance_without_root.last().unwrap(), 0.5049240128);
        assert!(explored.variance_with_root.iter().all(|v| (v - 1.0).abs() < 1e-12));
    }

    /// L_{t−1} = ½ (SNR_{t−1} − SNR_t) E‖x_0 − E[x_0 | x_t]‖² (Kingma et al. 2021), which for data N(0, s²) is s² / (1 + s² SNR_t).
    /// The sum is no less than the information that lies between the ends, ½ log₂ (1 + s² SNR) at t = 1 less that at T.
    #[test]
    fn the_terms_of_the_exact_denoiser_are_what_its_error_costs() {
        let schedule = Schedule::linear(1000, 1e-4, 0.02).unwrap();
        for variance in [0.25, 1.0] {
            let error = |t: usize| variance / (1.0 + variance * schedule.snr(t));
            let nats: f64 = (1..1000).map(|t| 0.5 * (schedule.snr(t - 1) - schedule.snr(t)) * error(t)).sum();
            let summary = linear(variance).summary;
            assert!(
                (summary.exact_bits / (nats / std::f64::consts::LN_2) - 1.0).abs() < 1e-9,
                "{}",
                summary.exact_bits
            );
            let held = |log_snr: f64| 0.5 * (1.0 + variance * log_snr.exp()).log2();
            assert!(summary.exact_bits > held(summary.log_snr_first) - held(summary.log_snr_last));
        }
    }

    #[test]
    fn curves_of_long_schedules_keep_their_ends() {
        for steps in [1, 2, 240, 241, 1000, 9999] {
            let places = places(steps);
            assert_eq!((places[0], *places.last().unwrap()), (0, steps - 1));
            assert!(places.windows(2).all(|pair| pair[0] < pair[1]) && places.len() <= POINTS);
        }
    }
}
