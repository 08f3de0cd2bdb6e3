//! The variational bound where its terms are known in closed form (Ho et al. 2020, eq. 5), from the parts that the
//! crate computes: λ_t, the constants of fixed variances, exact denoisers.

mod common;

use common::{close, ho, normals, schedules};
use proptest::prelude::*;
use std::f64::consts::LN_2;
use tweedie_diffusion::{
    Bound, BoundEstimator, Clip, Condition, Decoder, Denoiser, GaussianDenoiser, MixtureDenoiser, Prediction,
    PredictionKind, Result, Timestep, Transition, VarianceKind,
};
use tweedie_tensor::{Tensor, ops};

/// Answers 0, whatever it is shown: a network before its first step.
struct Zero;

impl Denoiser<f64> for Zero {
    fn predict(&self, x_t: &Tensor<f64>, _: &[Timestep], _: &Condition) -> Result<Prediction<f64>> {
        Ok(Prediction::new(PredictionKind::Epsilon, Tensor::zeros(*x_t.shape())))
    }
}

/// The exact posterior mean of N(0, v), and the exact variance of each reverse step as the model's own say.
struct ExactReverse<'a> {
    schedule: &'a tweedie_diffusion::Schedule,
    gaussian: GaussianDenoiser<f64>,
    v: f64,
}

impl ExactReverse<'_> {
    /// Var(x_s | x_t) = β̃ + c² Var(x_0 | x_t).
    fn variance(&self, step: &Transition) -> f64 {
        let (of_x0, _) = step.posterior_mean_coefficients();
        let error = self.v * (1.0 - self.gaussian.gain(step.from) * step.from.signal);
        step.posterior_variance() + of_x0 * of_x0 * error
    }
}

impl Denoiser<f64> for ExactReverse<'_> {
    fn predict(&self, x_t: &Tensor<f64>, t: &[Timestep], c: &Condition) -> Result<Prediction<f64>> {
        let each = x_t.numel() / t.len();
        let range = Tensor::from_fn(*x_t.shape(), |i| {
            let step = self.schedule.step(t[i / each].index().unwrap());
            let (large, small) = (step.beta.ln(), step.posterior_variance().ln());
            // At the first index, where β̃ is 0, anything finite.
            if small.is_finite() {
                2.0 * (self.variance(&step).ln() - small) / (large - small) - 1.0
            } else {
                0.0
            }
        });
        Ok(Prediction { range: Some(range), ..self.gaussian.predict(x_t, t, c)? })
    }
}

/// Pictures of 16 places, of levels that a byte can have.
fn pictures(n: usize) -> Tensor<f64> {
    let z = normals(n, 16, 77);
    Tensor::from_fn([n, 16], |i| {
        (127.5 * (1.0 + 0.4 * z.as_slice()[i])).round().clamp(0.0, 255.0) / 127.5 - 1.0
    })
}

fn estimate(
    kind: VarianceKind,
    per_picture: usize,
    n: usize,
    batches: &[usize],
) -> tweedie_diffusion::BoundEstimate {
    let schedule = ho();
    let x0 = pictures(n);
    let mut estimator = BoundEstimator::new(Bound::new(&schedule, kind), per_picture, 5).unwrap();
    let mut first = 0;
    for &count in batches {
        let part = ops::narrow(&x0, 0, first, count).unwrap();
        estimator.add(&Zero, &part, &Condition::default(), first as u64).unwrap();
        first += count;
    }
    assert_eq!(first, n);
    estimator.estimate()
}

/// The estimator, over all times and over some, finds the published sums within its own error.
#[test]
fn the_estimator_finds_the_bound_of_a_zero_model() {
    let cases =
        [(VarianceKind::FixedLarge, 13.9914832, 0.486419230), (VarianceKind::FixedSmall, 14.6729196, 0.0)];
    for (kind, expected, constant) in cases {
        for (per_picture, n) in [(999, 60), (40, 600)] {
            let found = estimate(kind, per_picture, n, &[n]);
            let error = found.middle.std_error.unwrap();
            assert!(error < 0.2 && (found.middle.mean - expected).abs() < 3.0 * error, "{found:?}");
            close(found.constant.mean, constant, 1e-8, 1e-8);
            close(found.total.mean, found.prior.mean + found.middle.mean + found.decoder.mean, 1e-12, 0.0);
            let rate = found.rate_distortion.last().unwrap();
            assert_eq!(rate.t, 0.0);
            assert!((rate.rate - found.prior.mean - found.middle.mean).abs() < 3.0 * error, "{rate:?}");
        }
    }
}

/// With every time of every picture, what is sent before x_1 is known is all but L_0, and the sum of the terms.
#[test]
fn the_rate_is_the_sum_of_the_terms() {
    let found = estimate(VarianceKind::FixedLarge, 5000, 3, &[3]);
    assert_eq!((found.terms.len(), found.rate_distortion.len()), (1000, 1000));
    let terms: f64 = found.terms[1..].iter().map(|term| term.bits.mean).sum();
    close(found.middle.mean, terms, 1e-12, 0.0);
    close(found.rate_distortion[999].rate, found.prior.mean + terms, 1e-12, 0.0);
    close(found.rate_distortion[0].rate, found.prior.mean, 1e-12, 0.0);
    // ε̂ = 0 leaves x̂_0 off by ε noise/signal.
    let schedule = ho();
    let ratio = 127.5 / schedule.snr(500).sqrt();
    close(found.rate_distortion[499].rmse, ratio, 0.3, 0.0);
}

#[test]
fn batches_do_not_matter() {
    let (whole, cut) = (
        estimate(VarianceKind::FixedSmall, 7, 9, &[9]),
        estimate(VarianceKind::FixedSmall, 7, 9, &[2, 4, 3]),
    );
    assert_eq!(whole, cut);
}

/// A model that always predicts 0 is wrong about ε by E ε² = 1 in every dimension.
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

/// The same from the crate, for pictures whose places are ±½.
#[test]
fn the_cost_of_the_prior_is_the_published_one() {
    let schedule = ho();
    let x0 = Tensor::from_fn([2, 6], |i| 0.5 - (i % 2) as f64);
    for nats in Bound::new(&schedule, VarianceKind::FixedSmall).prior(&x0) {
        close(nats / 6.0 / LN_2, 7.27867696e-6, 1e-7, 0.0);
    }
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

    /// The same telescoping by the terms of a denoiser that says its variance, over enough draws.
    #[test]
    fn a_model_that_says_its_variance_loses_nothing(schedule in schedules(), v in 0.05..0.9, seed: u64) {
        let model = ExactReverse { schedule: &schedule, gaussian: GaussianDenoiser::new(Tensor::zeros([1]), v).unwrap(), v };
        let t = schedule.num_timesteps() / 2;
        prop_assume!(t > 0);
        let n = 4000;
        let x0 = ops::combine(&[(&[v.sqrt()], &normals(n, 1, seed))]).unwrap();
        let bound = Bound::new(&schedule, VarianceKind::FixedSmall);
        let terms = bound.terms(&model, &x0, &vec![t; n], &normals(n, 1, !seed), &Condition::default()).unwrap();
        let step = schedule.step(t);
        let exact = model.variance(&step);
        let expected = 0.5 * (exact / step.posterior_variance()).ln();
        let mean = terms.iter().map(|term| term.nats()).sum::<f64>() / n as f64;
        // The mean part is a χ² of one degree of freedom, times ½ (1 − β̃/σ²).
        let error = 0.5 * (1.0 - step.posterior_variance() / exact) * (2.0 / n as f64).sqrt();
        prop_assert!((mean - expected).abs() <= 5.0 * error + 1e-9, "{} is not {} ± {}", mean, expected, error);
    }

    /// One term by hand: the divergence of two normals, from their means and variances.
    #[test]
    fn a_term_is_the_divergence_of_its_normals(schedule in schedules(), seed: u64, clip: bool) {
        let t: Vec<usize> = (1..schedule.num_timesteps()).collect();
        let (x0, noise) = (normals(t.len(), 3, seed), normals(t.len(), 3, !seed));
        let clip = if clip { Clip::At(0.5) } else { Clip::Off };
        for kind in [VarianceKind::FixedSmall, VarianceKind::FixedLarge] {
            let terms = Bound::new(&schedule, kind).clip(clip).terms(&Zero, &x0, &t, &noise, &Condition::default()).unwrap();
            let x_t = schedule.q_sample(&x0, &t, &noise).unwrap();
            let prediction = Prediction::new(PredictionKind::Epsilon, Tensor::zeros(*x_t.shape()));
            let q = schedule.q_posterior(&x0, &x_t, &t).unwrap();
            let p = schedule.p_mean_variance(&prediction, &x_t, &t, kind, clip).unwrap();
            for (i, term) in terms.iter().enumerate() {
                let (a, b) = (q.variance[i], p.variance[i]);
                let pairs = q.mean.as_slice().iter().zip(p.mean.as_slice()).skip(3 * i).take(3);
                let expected: f64 = pairs.map(|(m, n)| 0.5 * ((b / a).ln() + (a + (m - n).powi(2)) / b - 1.0)).sum();
                // The difference of the means loses digits where a step moves little.
                close(term.nats(), expected, 1e-8, 1e-3);
            }
        }
    }

    /// Over σ², a divergence is least where σ² is β̃ and the mean squared error of the mean.
    #[test]
    fn the_best_variance_is_the_posteriors_and_the_error(schedule in schedules(), error in 1e-6..1.0, part in 0.01..0.5) {
        let step = schedule.step(schedule.num_timesteps() - 1);
        let best = step.posterior_variance() + error;
        let nats = |variance: f64| error / (2.0 * variance) + step.kl_constant(variance);
        prop_assert!(nats(best) < nats(best * (1.0 + part)) && nats(best) < nats(best * (1.0 - part)));
    }

    /// The 256 levels share all probability among them, by either way to compute it, and none has none.
    #[test]
    fn levels_share_all_probability(mean in -1.5..1.5, log_sigma in -7.0..3.0f64) {
        let sigma = log_sigma.exp();
        for (decoder, tolerance) in [(Decoder::Exact, 1e-12), (Decoder::Tanh, 1e-9)] {
            let logs: Vec<f64> = (0..256)
                .map(|k| decoder.log_probability(f64::from(k) / 127.5 - 1.0, mean, sigma))
                .collect();
            prop_assert!(logs.iter().all(|ln_p| ln_p.is_finite() && *ln_p <= 1e-15));
            let whole: f64 = logs.iter().map(|ln_p| ln_p.exp()).sum();
            close(whole, 1.0, tolerance, 1.0);
        }
    }
}

/// Far out, where probabilities are 0 in f64, their logarithms go on: −z²/2, less ln(z √2π).
#[test]
fn tails_are_finite_where_probabilities_are_not() {
    let (x, mean, sigma) = (-1.0 + 40.0 / 127.5, 0.9, 1e-4);
    let z: f64 = (mean - x - 1.0 / 255.0) / sigma;
    let expected = -0.5 * z * z - (z * std::f64::consts::TAU.sqrt()).ln();
    assert!(z > 1e3 && expected.exp() == 0.0);
    close(Decoder::Exact.log_probability(x, mean, sigma), expected, 1e-11, 0.0);
    close(Decoder::Tanh.log_probability(x, mean, sigma), -12.0 * 10f64.ln(), 1e-12, 0.0);
}
