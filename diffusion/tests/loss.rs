//! Targets and weights of the training loss, and how t is drawn.

mod common;

use common::{close, ho, normals, schedules};
use proptest::prelude::*;
use tweedie_diffusion::{
    Clip, Prediction, PredictionKind, Schedule, TimestepDraw, TimestepSampler, TimestepSampling,
    VarianceKind, Weighting, target,
};
use tweedie_tensor::{Tensor, ops};

const KINDS: [PredictionKind; 3] = [PredictionKind::Epsilon, PredictionKind::Sample, PredictionKind::V];
const EDM: PredictionKind = PredictionKind::Edm { sigma_data: 0.7 };
const LAMBDA: Weighting = Weighting::Lambda { variance: VarianceKind::FixedSmall };

fn weights(weighting: Weighting, schedule: &Schedule, kind: PredictionKind) -> Vec<f64> {
    let t: Vec<usize> = (0..schedule.num_timesteps()).collect();
    weighting.weights(schedule, kind, &t).unwrap()
}

#[test]
fn simple_weights_are_one() {
    for kind in KINDS {
        assert!(weights(Weighting::Simple, &ho(), kind).iter().all(|&w| w == 1.0));
    }
}

#[test]
fn min_snr_as_its_paper_tabulates_it() {
    let (schedule, gamma) = (ho(), 5.0);
    let [epsilon, sample, v] = KINDS.map(|kind| weights(Weighting::MinSnr { gamma }, &schedule, kind));
    for t in 0..1000 {
        let snr = schedule.snr(t);
        close(epsilon[t], snr.min(gamma) / snr, 1e-12, 0.0);
        close(sample[t], snr.min(gamma), 1e-12, 0.0);
        close(v[t], snr.min(gamma) / (snr + 1.0), 1e-10, 0.0);
    }
}

#[test]
fn p2_as_its_paper_has_it() {
    let (schedule, k, gamma) = (ho(), 1.0, 0.5);
    let [epsilon, sample, v] = KINDS.map(|kind| weights(Weighting::P2 { k, gamma }, &schedule, kind));
    for t in 0..1000 {
        let snr = schedule.snr(t);
        let expected = (k + snr).powf(-gamma);
        close(epsilon[t], expected, 1e-12, 0.0);
        close(sample[t], expected * snr, 1e-10, 0.0);
        close(v[t], expected * snr / (snr + 1.0), 1e-10, 0.0);
    }
    let refused = |k, gamma| {
        Weighting::P2 { k, gamma }.weights(&ho(), PredictionKind::V, &[1]).unwrap_err().to_string()
    };
    assert!(refused(0.0, 1.0).contains("k = 0") && refused(1.0, -1.0).contains("gamma = -1"));
}

#[test]
fn the_first_weight_of_the_bound_is_finite() {
    let schedule = ho();
    let first = LAMBDA.weights(&schedule, PredictionKind::Epsilon, &[0]).unwrap()[0];
    close(first, schedule.step(0).lambda(schedule.posterior_variance(1)), 1e-12, 0.0);
    assert_eq!(schedule.lambda(0, VarianceKind::FixedSmall), f64::INFINITY);
}

#[test]
fn pure_noise_weighs_what_it_can() {
    let schedule = ho().with_zero_terminal_snr().unwrap();
    for weighting in [LAMBDA, Weighting::MinSnr { gamma: 5.0 }] {
        assert!(weights(weighting, &schedule, PredictionKind::V).iter().all(|w| w.is_finite()));
        let refused =
            weighting.weights(&schedule, PredictionKind::Epsilon, &[5, 999]).unwrap_err().to_string();
        assert!(refused.starts_with("loss weights: t = 999: the weight of an error in ε is not finite"));
    }
}

#[test]
fn bad_weights_are_named() {
    let refused = Weighting::MinSnr { gamma: 0.0 }.weights(&ho(), PredictionKind::V, &[1]).unwrap_err();
    assert_eq!(refused.to_string(), "min-SNR weighting: gamma = 0: must be above 0");
    assert!(Weighting::Simple.weights(&ho(), PredictionKind::V, &[1000]).is_err());
    let x = normals(2, 3, 0);
    assert!(target(PredictionKind::V, &x, &x, &ho().timesteps_at(&[1]).unwrap()).is_err());
    assert!(target(PredictionKind::V, &x, &normals(2, 4, 0), &ho().timesteps_at(&[1, 2]).unwrap()).is_err());
}

proptest! {
    #![proptest_config(common::cases(32))]

    /// Whatever is predicted, the λ-weighted squared error is the distance that the reverse step's mean is off, as
    /// the bound counts it: ‖μ̃ − μ_θ‖² / 2σ².
    #[test]
    fn lambda_weighs_as_the_bound_does(schedule in schedules(), d in 1usize..5, seed: u64) {
        let t: Vec<usize> = (1..schedule.num_timesteps()).collect();
        let times = schedule.timesteps_at(&t).unwrap();
        let (x0, noise) = (normals(t.len(), d, seed), normals(t.len(), d, !seed));
        let x_t = schedule.q_sample(&x0, &t, &noise).unwrap();
        for kind in KINDS.into_iter().chain([PredictionKind::Score, PredictionKind::Velocity, EDM]) {
            let truth = target(kind, &x0, &noise, &times).unwrap();
            let guess = normals(t.len(), d, seed ^ 7);
            let prediction = Prediction::new(kind, guess.clone());
            for variance in [VarianceKind::FixedSmall, VarianceKind::FixedLarge] {
                let weights = Weighting::Lambda { variance }.weights(&schedule, kind, &t).unwrap();
                let p = schedule.p_mean_variance(&prediction, &x_t, &t, variance, Clip::Off).unwrap();
                let q = schedule.q_posterior(&x0, &x_t, &t).unwrap();
                let square = |a, b| {
                    let difference = ops::combine(&[(&[1.0], a), (&[-1.0], b)]).unwrap();
                    let squares = difference.as_slice().chunks(d).map(|row| row.iter().map(|x| x * x).sum());
                    squares.collect::<Vec<f64>>()
                };
                let (means, errors) = (square(&q.mean, &p.mean), square(&truth, &guess));
                for i in 0..t.len() {
                    let expected = means[i] / (2.0 * p.variance[i]);
                    // The difference of the means loses digits where a step moves little.
                    close(weights[i] * errors[i], expected, 1e-9, 1e-3 * weights[i].max(1.0));
                }
            }
        }
    }

    /// However a batch is cut, its times are the same, and in range; stratified ones hit each part once.
    #[test]
    fn times_do_not_depend_on_the_cut(timesteps in 1usize..2000, batch in 1usize..70, cut in 0usize..70, seed: u64) {
        let cut = cut.min(batch);
        for sampling in SAMPLINGS {
            let mut sampler = TimestepSampler::new(sampling, timesteps).unwrap();
            fill(&mut sampler, timesteps, |t| (t % 7) as f64);
            let draw = |range| times(&sampler.draw(batch, range, seed, 11).unwrap());
            let mut all = draw(0..batch);
            prop_assert_eq!(&all, &[draw(0..cut), draw(cut..batch)].concat());
            prop_assert!(all.iter().all(|&t| t < timesteps));
            if sampling == TimestepSampling::Stratified {
                all.sort_unstable();
                for (i, &t) in all.iter().enumerate() {
                    prop_assert!(t >= timesteps * i / batch && t <= timesteps * (i + 1) / batch);
                }
            }
        }
    }
}

const SAMPLINGS: [TimestepSampling; 3] =
    [TimestepSampling::Uniform, TimestepSampling::Stratified, TimestepSampling::LossAware];

fn times(draws: &[TimestepDraw]) -> Vec<usize> {
    draws.iter().map(|draw| draw.t).collect()
}

/// Records ten losses at each index.
fn fill(sampler: &mut TimestepSampler, timesteps: usize, loss: impl Fn(usize) -> f64) {
    for t in 0..timesteps {
        sampler.record(&[TimestepDraw { t, importance: 1.0 }; 10], &[loss(t); 10]);
    }
}

#[test]
fn times_are_drawn_evenly() {
    for sampling in SAMPLINGS {
        // Nothing is recorded: the losses do not count yet.
        let sampler = TimestepSampler::new(sampling, 7).unwrap();
        let (mut counts, mut firsts) = ([0.0f64; 7], [0.0f64; 7]);
        for step in 0..3000 {
            let times = times(&sampler.draw(5, 0..5, 1, step).unwrap());
            firsts[times[0]] += 1.0;
            times.into_iter().for_each(|t| counts[t] += 1.0);
        }
        // Of 15000 draws a seventh each, and so for the first sample alone: within five standard deviations.
        assert!(
            counts.iter().all(|count| (count - 15000.0 / 7.0).abs() < 5.0 * 43.0),
            "{sampling:?} {counts:?}"
        );
        assert!(
            firsts.iter().all(|count| (count - 3000.0 / 7.0).abs() < 5.0 * 19.2),
            "{sampling:?} {firsts:?}"
        );
    }
    assert!(TimestepSampler::new(TimestepSampling::Uniform, 0).is_err());
    let sampler = TimestepSampler::new(TimestepSampling::Uniform, 10).unwrap();
    assert!(sampler.draw(5, 2..6, 1, 0).is_err());
}

/// p_t follows the root mean square of the last ten losses, and the weighted mean is that of even draws.
#[test]
fn loss_aware_times_follow_the_losses_and_their_weights_undo_it() {
    let timesteps = 5;
    let mut sampler = TimestepSampler::new(TimestepSampling::LossAware, timesteps).unwrap();
    let loss = |t: usize| (t + 1) as f64;
    // What is older than ten is forgotten.
    fill(&mut sampler, timesteps, |_| 100.0);
    fill(&mut sampler, timesteps, loss);
    let (mut counts, mut mean, draws) = ([0.0f64; 5], 0.0, 20_000);
    for step in 0..draws / 10 {
        for draw in sampler.draw(10, 0..10, 3, step).unwrap() {
            counts[draw.t] += 1.0;
            mean += draw.importance * loss(draw.t) / draws as f64;
        }
    }
    for (t, count) in counts.into_iter().enumerate() {
        let p = 0.999 * loss(t) / 15.0 + 0.001 / 5.0;
        let spread = (draws as f64 * p * (1.0 - p)).sqrt();
        assert!((count - draws as f64 * p).abs() < 5.0 * spread, "t = {t}: {count}");
    }
    // Weighted so, every draw counts nearly the same: 3, the mean loss.
    close(mean, 3.0, 2e-3, 0.0);
}

#[test]
fn the_history_of_losses_is_saved_and_put_back() {
    let new = |sampling, timesteps| TimestepSampler::new(sampling, timesteps).unwrap();
    let mut sampler = new(TimestepSampling::LossAware, 6);
    fill(&mut sampler, 6, |t| 0.1 + t as f64);
    sampler.record(&[TimestepDraw { t: 2, importance: 1.0 }], &[1e3]);
    let state = sampler.state().unwrap();
    let mut again = new(TimestepSampling::LossAware, 6);
    again.restore(&state).unwrap();
    assert_eq!(again.state().unwrap().as_slice(), state.as_slice());
    assert_eq!(again.draw(20, 0..20, 1, 2).unwrap(), sampler.draw(20, 0..20, 1, 2).unwrap());
    assert!(new(TimestepSampling::LossAware, 7).restore(&state).unwrap_err().to_string().contains("7 steps"));
    assert!(new(TimestepSampling::Uniform, 6).restore(&state).is_err());
    assert!(new(TimestepSampling::LossAware, 6).restore(&Tensor::full([6, 11], 11.0)).is_err());
    assert!(new(TimestepSampling::Uniform, 6).state().is_none());
}
