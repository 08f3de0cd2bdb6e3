//! The variational bound where its terms are known in closed form (Ho et al. 2020, eq. 5), from the parts that the
//! crate computes: λ_t, the constants of fixed variances, exact denoisers.

mod common;

use common::{close, ho, schedules};
use proptest::prelude::*;
use std::f64::consts::LN_2;
use tweedie_diffusion::{Condition, Denoiser, GaussianDenoiser, MixtureDenoiser, VarianceKind};
use tweedie_tensor::Tensor;

/// A model that always answers 0 is wrong about ε by E ε² = 1 in every dimension.
#[test]
fn published_bound_of_a_zero_model() {
    let schedule = ho();
    let cases = [(VarianceKind::FixedLarge, 13.9914832), (VarianceKind::FixedSmall, 14.6729196)];
    for (kind, expected) in cases {
        let term = |t| {
            let step = schedule.step(t);
            let variance = step.variance(kind);
            step.lambda(variance) + step.kl_constant(variance)
        };
        close((1..1000).map(term).sum::<f64>() / LN_2, expected, 1e-8, 0.0);
    }
    let constant: f64 = (1..1000).map(|t| schedule.step(t).kl_constant(schedule.betas()[t])).sum();
    close(constant / LN_2, 0.486419230, 1e-8, 0.0);
}

/// L_T = KL(N(√ᾱ_T x_0, 1−ᾱ_T) ‖ N(0, 1)).
#[test]
fn published_cost_of_the_prior() {
    let level = ho().level(999);
    let (mean_square, variance) = (level.signal * level.signal * 0.25, level.noise * level.noise);
    let prior = 0.5 * (mean_square + variance - 1.0 - variance.ln()) / LN_2;
    close(prior, 7.27867696e-6, 1e-7, 0.0);
}

/// Data ±1 with equal odds hold one bit, and the bound with an exact denoiser comes near it. The mean squared error
/// at each t is an integral over x_t, by the trapezoidal rule.
#[test]
fn published_bound_of_a_coin() {
    let schedule = ho();
    let coin = MixtureDenoiser::new(Tensor::from_slice([2, 1], &[-1.0, 1.0]).unwrap(), &[1.0; 2], &[0.0; 2])
        .unwrap();
    let (n, reach) = (400, 9.0);
    let mut nats = 0.0;
    for t in 1..1000 {
        let level = schedule.level(t);
        // By symmetry x_0 = 1, and x_t = signal + noise · z.
        let z = |i: usize| reach * (2.0 * i as f64 / n as f64 - 1.0);
        let x = Tensor::from_fn([n + 1, 1], |i| level.signal + level.noise * z(i));
        let times = vec![schedule.timestep(t); n + 1];
        let x0_hat = coin.predict(&x, &times, &Condition::default()).unwrap().value;
        let density = |z: f64| (-0.5 * z * z).exp() / std::f64::consts::TAU.sqrt();
        let error: f64 =
            (0..=n).map(|i| (1.0 - x0_hat.as_slice()[i]).powi(2) * density(z(i))).sum::<f64>() * 2.0 * reach
                / n as f64;
        let (of_x0, _) = schedule.posterior_mean_coefficients(t);
        nats += of_x0 * of_x0 * error / (2.0 * schedule.posterior_variance(t));
    }
    close(nats / LN_2, 1.00681174, 1e-8, 0.0);
}

proptest! {
    #![proptest_config(common::cases(48))]

    /// For data N(0, v), with the exact posterior mean and the exact variance of every reverse step, nothing is lost:
    /// the whole bound telescopes to H(x_0) + KL(q(x_T) ‖ N(0, 1)).
    #[test]
    fn the_bound_of_gaussian_data_telescopes(schedule in schedules(), v in 0.05..3.0) {
        let denoiser = GaussianDenoiser::new(Tensor::<f64>::zeros([1]), v).unwrap();
        let entropy = |variance: f64| 0.5 * (std::f64::consts::TAU * std::f64::consts::E * variance).ln();
        let last = schedule.level(schedule.num_timesteps() - 1);
        let mut bound = 0.5 * (last.signal.powi(2) * v + last.noise.powi(2) - 1.0 - 2.0 * last.noise.ln());
        for t in 0..schedule.num_timesteps() {
            let (level, step) = (schedule.level(t), schedule.step(t));
            // E (x_0 − x̂_0)² = v − gain · signal · v.
            let error = v * (1.0 - denoiser.gain(level) * level.signal);
            let (of_x0, _) = step.posterior_mean_coefficients();
            let mean_error = of_x0 * of_x0 * error;
            let variance = step.posterior_variance() + mean_error;
            bound += if t == 0 {
                // −log p(x_0 | x_1), a density here, with the variance that is exact.
                entropy(variance)
            } else {
                mean_error / (2.0 * variance) + step.kl_constant(variance)
            };
        }
        let x_t = last.signal.powi(2) * v + last.noise.powi(2);
        close(bound, entropy(v) + 0.5 * (x_t - 1.0 - x_t.ln()), 1e-10, 1.0);
    }
}
