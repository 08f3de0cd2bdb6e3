//! The forward process, its posterior, and predictions.

mod common;

use common::{close, ho, normals, paths};
use proptest::prelude::*;
use tweedie_diffusion::{
    Clip, Error, Level, Prediction, PredictionKind, Schedule, Timestep, VarianceKind, target,
};
use tweedie_tensor::{Tensor, ops};

const KINDS: [PredictionKind; 6] = [
    PredictionKind::Epsilon,
    PredictionKind::Sample,
    PredictionKind::V,
    PredictionKind::Score,
    PredictionKind::Velocity,
    PredictionKind::Edm { sigma_data: 0.5 },
];

fn log_normal(x: f64, mean: f64, variance: f64) -> f64 {
    -0.5 * ((x - mean) * (x - mean) / variance + (std::f64::consts::TAU * variance).ln())
}

proptest! {
    #![proptest_config(common::cases(48))]

    /// q(x_t|x_{t−1}) q(x_{t−1}|x_0) = q(x_{t−1}|x_t, x_0) q(x_t|x_0), at every point. The exponents cancel, so the
    /// tolerance is relative to the largest of them.
    #[test]
    fn the_posterior_obeys_bayes(schedule in paths(), points in prop::array::uniform3(-3.0..3.0)) {
        let [x0, x_s, x_t] = points;
        for t in 1..schedule.num_timesteps() {
            let (alpha, beta) = (schedule.alphas()[t], schedule.betas()[t]);
            let one = |x: f64| Tensor::full([1], x);
            let posterior = schedule.q_posterior(&one(x0), &one(x_t), &[t]).unwrap();
            let marginal = |s: usize| {
                let q = schedule.q_mean_variance(&one(x0), &[s]).unwrap();
                (q.mean.item().unwrap(), q.variance[0])
            };
            let (before, after) = (marginal(t - 1), marginal(t));
            let terms = [
                log_normal(x_t, alpha.sqrt() * x_s, beta),
                log_normal(x_s, before.0, before.1),
                -log_normal(x_s, posterior.mean.item().unwrap(), posterior.variance[0]),
                -log_normal(x_t, after.0, after.1),
            ];
            let largest = terms.iter().fold(1.0f64, |m, term| m.max(term.abs()));
            prop_assert!(terms.iter().sum::<f64>().abs() < 1e-10 * largest, "t = {}: {:?}", t, terms);
            close(posterior.log_variance[0], posterior.variance[0].ln(), 1e-12, 1.0);
        }
    }

    /// Steps with given noises give x_t = √ᾱ_t x_0 + √(1−ᾱ_t) ε, where ε is the noises' own combination.
    #[test]
    fn q_sample_is_the_composed_steps(schedule in paths(), d in 1usize..6, seed: u64) {
        let last = schedule.num_timesteps() - 1;
        let x0 = normals(1, d, seed);
        let (mut x, mut accumulated) = (x0.clone(), Tensor::zeros([1, d]));
        for t in 0..=last {
            let z = normals(1, d, seed.wrapping_add(1 + t as u64));
            let (root, sigma) = ([schedule.alphas()[t].sqrt()], [schedule.betas()[t].sqrt()]);
            x = ops::combine(&[(&root, &x), (&sigma, &z)]).unwrap();
            accumulated = ops::combine(&[(&root, &accumulated), (&sigma, &z)]).unwrap();
        }
        let epsilon = ops::combine(&[(&[1.0 / schedule.level(last).noise], &accumulated)]).unwrap();
        let direct = schedule.q_sample(&x0, &[last], &epsilon).unwrap();
        for (a, b) in direct.as_slice().iter().zip(x.as_slice()) {
            close(*a, *b, 1e-12, 1.0);
        }
    }

    /// Every prediction made from the truth implies the same x_0, ε and v, and every pair round-trips. From x_0 to ε
    /// an error grows by signal / noise, the other way by its inverse: the tolerance allows for both.
    #[test]
    fn conversions_round_trip(schedule in paths(), d in 1usize..6, seed: u64) {
        let t: Vec<usize> = (0..schedule.num_timesteps()).collect();
        let times = schedule.timesteps_at(&t).unwrap();
        let (x0, noise) = (normals(t.len(), d, seed), normals(t.len(), d, !seed));
        let x_t = schedule.q_sample(&x0, &t, &noise).unwrap();
        for from in KINDS {
            let truth = Prediction::new(from, target(from, &x0, &noise, &times).unwrap());
            for to in KINDS {
                let there = truth.convert(to, &x_t, &times).unwrap();
                let back = Prediction::new(to, there.clone()).convert(from, &x_t, &times).unwrap();
                let expected = target(to, &x0, &noise, &times).unwrap();
                for i in 0..x_t.numel() {
                    let ratio = schedule.snr(t[i / d]).sqrt();
                    let tolerance = 1e-13 * (ratio + 1.0 / ratio);
                    close(there.as_slice()[i], expected.as_slice()[i], tolerance, 10.0);
                    close(back.as_slice()[i], truth.value.as_slice()[i], tolerance, 10.0);
                }
            }
        }
    }

    /// With the true x_0 for a prediction, the reverse step is the posterior.
    #[test]
    fn a_perfect_prediction_makes_the_posterior(schedule in paths(), d in 1usize..6, seed: u64) {
        let t: Vec<usize> = (0..schedule.num_timesteps()).collect();
        let (x0, noise) = (normals(t.len(), d, seed), normals(t.len(), d, !seed));
        let x_t = schedule.q_sample(&x0, &t, &noise).unwrap();
        let v = target(PredictionKind::V, &x0, &noise, &schedule.timesteps_at(&t).unwrap()).unwrap();
        let prediction = Prediction::new(PredictionKind::V, v);
        let expected = schedule.q_posterior(&x0, &x_t, &t).unwrap();
        for kind in [VarianceKind::FixedSmall, VarianceKind::FixedLarge] {
            let p = schedule.p_mean_variance(&prediction, &x_t, &t, kind, Clip::Off).unwrap();
            for (a, b) in p.mean.as_slice().iter().zip(expected.mean.as_slice()) {
                close(*a, *b, 1e-12, 1.0);
            }
            let variance = if kind == VarianceKind::FixedSmall { &expected.variance } else { schedule.betas() };
            prop_assert_eq!(&p.variance[..], variance);
        }
    }
}

/// At the ends of its range a learnt variance is the fixed small and the fixed large one; half way, their geometric mean.
#[test]
fn a_learnt_variance_lies_between_the_fixed_ones() {
    let (schedule, t) = (ho(), [0, 1, 500]);
    let x = normals(3, 4, 0);
    let output = |range: f64| {
        let range = Tensor::full([3, 4], range);
        let output = ops::concat(&[&x, &range], 1).unwrap();
        Prediction::from_output(PredictionKind::Epsilon, output, true).unwrap()
    };
    let step = |range| {
        schedule.p_mean_variance(&output(range), &x, &t, VarianceKind::FixedSmall, Clip::Off).unwrap()
    };
    let fixed = Prediction::new(PredictionKind::Epsilon, x.clone());
    for (i, &t) in t.iter().enumerate() {
        let small = schedule.posterior_log_variance_clipped(t).exp();
        for (range, expected) in
            [(-1.0, small), (1.0, schedule.betas()[t]), (0.0, (small * schedule.betas()[t]).sqrt())]
        {
            let learnt = step(range);
            assert_eq!(learnt.variance.len(), 12);
            close(learnt.variance[4 * i + 3], expected, 1e-12, 0.0);
            close(learnt.log_variance[4 * i], expected.ln(), 1e-12, 0.0);
            let mean =
                schedule.p_mean_variance(&fixed, &x, &[0, 1, 500], VarianceKind::FixedLarge, Clip::Off);
            assert_eq!(learnt.mean.as_slice(), mean.unwrap().mean.as_slice());
        }
    }
    assert!(Prediction::from_output(PredictionKind::V, Tensor::<f64>::zeros([4]), true).is_err());
}

#[test]
fn the_last_step_has_a_log_variance_to_work_with() {
    let x = Tensor::full([1, 2], 0.5f32);
    let posterior = ho().q_posterior(&x, &x, &[0]).unwrap();
    assert_eq!(posterior.variance, [0.0]);
    close(posterior.log_variance[0], 5.45318766e-5f64.ln(), 1e-8, 0.0);
    // The mean is x_0 itself.
    close(f64::from(posterior.mean.as_slice()[0]), 0.5, 1e-6, 0.0);
}

/// Karras et al. 2022, table 1, in their scale: x = x_t / signal, σ = noise / signal.
#[test]
fn the_network_inside_edm_predicts_what_the_preconditioning_says() {
    let (schedule, x0, noise) = (ho(), normals(3, 4, 1), normals(3, 4, 2));
    let t = [3, 400, 999];
    let times = schedule.timesteps_at(&t).unwrap();
    let x_t = schedule.q_sample(&x0, &t, &noise).unwrap();
    for sigma_data in [0.5, 1.0] {
        let f = target(PredictionKind::Edm { sigma_data }, &x0, &noise, &times).unwrap();
        for i in 0..12 {
            let level = schedule.level(t[i / 4]);
            let (sigma, x) = (level.noise / level.signal, x_t.as_slice()[i] / level.signal);
            let total = sigma * sigma + sigma_data * sigma_data;
            let (skip, out) = (sigma_data * sigma_data / total, sigma * sigma_data / total.sqrt());
            close(skip * x + out * f.as_slice()[i], x0.as_slice()[i], 1e-10, 1.0);
            let v = level.signal * noise.as_slice()[i] - level.noise * x0.as_slice()[i];
            if sigma_data == 1.0 {
                close(f.as_slice()[i], -v, 1e-10, 1.0);
            }
        }
    }
}

#[test]
fn what_is_a_multiple_converts_even_in_pure_noise() {
    let level = Level { signal: 0.0, noise: 2.0 };
    let (x, time) = (normals(1, 4, 0), [Timestep::new(9.0, level)]);
    let score = Prediction::new(PredictionKind::Score, Tensor::full([1, 4], 3.0));
    assert_eq!(score.epsilon(&x, &time).unwrap().as_slice(), [-6.0; 4]);
    assert!(matches!(score.x0(&x, &time), Err(Error::Undetermined { .. })));
}

#[test]
fn clipping_bounds_the_clean_picture() {
    let schedule = Schedule::cosine(100).unwrap();
    let x = Tensor::full([2, 3], 5.0f64);
    let prediction = Prediction::new(PredictionKind::Sample, Tensor::from_fn([2, 3], |i| i as f64 - 2.0));
    let clipped = Prediction::new(
        PredictionKind::Sample,
        Tensor::from_slice([2, 3], &[-1.0, -1.0, 0.0, 1.0, 1.0, 1.0]).unwrap(),
    );
    let step = |prediction, clip| {
        schedule.p_mean_variance(prediction, &x, &[3, 70], VarianceKind::FixedSmall, clip).unwrap().mean
    };
    assert_eq!(step(&prediction, Clip::At(1.0)).as_slice(), step(&clipped, Clip::Off).as_slice());
    assert_ne!(step(&prediction, Clip::Off).as_slice(), step(&clipped, Clip::Off).as_slice());
    assert!(Clip::At(1.0).apply(Tensor::full([1], f64::NAN)).as_slice()[0].is_nan());
}

#[test]
fn pure_noise_says_nothing_about_the_picture() {
    let schedule = ho().with_zero_terminal_snr().unwrap();
    let times = schedule.timesteps_at(&[500, 999]).unwrap();
    let x = normals(2, 4, 0);
    let refused = Prediction::new(PredictionKind::Epsilon, x.clone()).x0(&x, &times).unwrap_err();
    assert!(matches!(refused, Error::Undetermined { t: 999.0, .. }));
    assert!(refused.to_string().starts_with("a prediction of ε does not determine x_0 at t = 999"));
    let v = Prediction::new(PredictionKind::V, x.clone());
    assert!(v.x0(&x, &times).unwrap().all_finite() && v.epsilon(&x, &times).unwrap().all_finite());
}

#[test]
fn batches_that_do_not_fit_are_named() {
    let (schedule, x) = (ho(), normals(2, 4, 0));
    let message = schedule.q_sample(&x, &[1, 2, 3], &x).unwrap_err().to_string();
    assert_eq!(message, "q_sample: 3 times were given for 2 samples (shape [2, 4])");
    let message = schedule.q_posterior(&x, &x, &[1, 1000]).unwrap_err().to_string();
    assert_eq!(message, "q_posterior: t = 1000 is outside a schedule of 1000 steps (0 to 999)");
    assert!(schedule.q_sample(&x, &[1, 2], &normals(2, 5, 0)).is_err());
    let prediction = Prediction::new(PredictionKind::V, normals(2, 5, 0));
    assert!(prediction.x0(&x, &schedule.timesteps_at(&[1, 2]).unwrap()).is_err());
}

#[test]
fn a_timestep_knows_its_index() {
    assert_eq!(ho().timestep(17).index(), Some(17));
    assert_eq!(Timestep::new(16.5, ho().level(17)).index(), None);
}
