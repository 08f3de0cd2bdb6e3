//! Training losses: what they are, and their derivatives against differences.

mod common;

use common::{cases, close, ho, normals, schedules};
use proptest::prelude::*;
use std::f64::consts::LN_2;
use tweedie_diffusion::{
    Clip, Loss, Objective, Prediction, PredictionKind, Schedule, VarianceKind, Weighting, target,
};
use tweedie_tensor::{Tensor, ops};

const KINDS: [PredictionKind; 3] = [PredictionKind::Epsilon, PredictionKind::Sample, PredictionKind::V];

fn loss(kind: PredictionKind, objective: Objective, learns_variance: bool) -> Loss {
    Loss {
        kind,
        learns_variance,
        objective,
        weighting: Weighting::Simple,
        variance: VarianceKind::FixedLarge,
    }
}

/// Pictures of two channels and two places, at the levels of bytes, with both ends among them.
fn pictures(n: usize, seed: u64) -> Tensor<f64> {
    let draws = normals(n, 4, seed);
    let byte = |i: usize| match i % 4 {
        0 => -1.0,
        1 => 1.0,
        _ => (draws.as_slice()[i] * 40.0).round().clamp(-127.0, 127.0) / 127.5 + 1.0 / 255.0,
    };
    Tensor::from_fn([n, 2, 2], byte)
}

fn noise(n: usize, channels: usize, seed: u64) -> Tensor<f64> {
    let draws = normals(n, channels * 2, seed);
    Tensor::from_fn([n, channels, 2], |i| draws.as_slice()[i])
}

/// The mean loss of a batch, each sample counting as often as its importance says.
fn mean(
    loss: &Loss,
    s: &Schedule,
    x0: &Tensor<f64>,
    z: &Tensor<f64>,
    t: &[usize],
    y: &Tensor<f64>,
    w: &[f64],
) -> f64 {
    let losses = loss.evaluate(s, x0, z, t, y.clone(), w).unwrap().losses;
    losses.iter().zip(w).map(|(loss, w)| loss * w).sum::<f64>() / t.len() as f64
}

proptest! {
    #![proptest_config(cases(24))]

    /// The derivative of every objective by the network's output. In the hybrid the mean is taken as given: there the
    /// first half sees the squared error alone, and the second the bound alone.
    #[test]
    fn gradients_are_differences(schedule in schedules(), seed: u64) {
        let last = schedule.num_timesteps() - 1;
        let t = [0, last.min(1), last / 2];
        let (x0, z, w) = (pictures(3, seed), noise(3, 2, !seed), [1.0, 0.3, 2.0]);
        for kind in KINDS {
            for (objective, learns) in [
                (Objective::SquaredError, false),
                (Objective::Vlb, false),
                (Objective::Vlb, true),
                (Objective::Hybrid { vlb_weight: 0.01 }, true),
            ] {
                let loss = loss(kind, objective, learns);
                // Near the truth, where the first term's probability does not vanish.
                let truth = target(kind, &x0, &z, &schedule.timesteps_at(&t).unwrap()).unwrap();
                let off = ops::combine(&[(&[0.02], &noise(3, 2, seed ^ 3)), (&[1.0], &truth)]).unwrap();
                let output = match learns {
                    true => ops::concat(&[&off, &noise(3, 2, seed ^ 5)], 1).unwrap(),
                    false => off,
                };
                let gradient = loss.evaluate(&schedule, &x0, &z, &t, output.clone(), &w).unwrap().gradient;
                prop_assert_eq!(gradient.dims(), output.dims());
                let halves = |of: &Loss, i: usize| {
                    let at = |h: f64| {
                        let mut y = output.clone();
                        y.as_mut_slice()[i] += h;
                        mean(of, &schedule, &x0, &z, &t, &y, &w)
                    };
                    let h = 1e-4;
                    (8.0 * (at(h) - at(-h)) - (at(2.0 * h) - at(-2.0 * h))) / (12.0 * h)
                };
                for i in 0..output.numel() {
                    let in_first = i / 4 % 2 == 0 || !learns;
                    let seen = match objective {
                        Objective::Hybrid { .. } if in_first => Loss { objective: Objective::SquaredError, ..loss },
                        _ => loss,
                    };
                    let expected = halves(&seen, i);
                    close(gradient.as_slice()[i], expected, 1e-5, 1e-4 * (1.0 + expected.abs()).max(mean(&seen, &schedule, &x0, &z, &t, &output, &w) * 1e-3));
                }
            }
        }
    }

    /// L_vlb at t is T times the divergence of the two normals, in bits a dimension.
    #[test]
    fn the_bound_at_t_is_the_divergence_of_its_normals(schedule in schedules(), seed: u64, learns: bool) {
        let t: Vec<usize> = (1..schedule.num_timesteps()).collect();
        let (x0, z) = (pictures(t.len(), seed), noise(t.len(), 2, !seed));
        let output = noise(t.len(), if learns { 4 } else { 2 }, seed ^ 9);
        let loss = loss(PredictionKind::V, Objective::Vlb, learns);
        let losses = loss.evaluate(&schedule, &x0, &z, &t, output.clone(), &vec![1.0; t.len()]).unwrap().losses;
        let x_t = schedule.q_sample(&x0, &t, &z).unwrap();
        let prediction = Prediction::from_output(PredictionKind::V, output, learns).unwrap();
        let p = schedule.p_mean_variance(&prediction, &x_t, &t, VarianceKind::FixedLarge, Clip::Off).unwrap();
        let q = schedule.q_posterior(&x0, &x_t, &t).unwrap();
        for i in 0..t.len() {
            let nats: f64 = (4 * i..4 * i + 4)
                .map(|place| {
                    let (v, w) = (q.variance[i], p.variance[if learns { place } else { i }]);
                    let apart = q.mean.as_slice()[place] - p.mean.as_slice()[place];
                    0.5 * ((w / v).ln() + (v + apart * apart) / w - 1.0)
                })
                .sum();
            let expected = nats / 4.0 / LN_2 * schedule.num_timesteps() as f64;
            close(losses[i], expected, 1e-8, 1e-3);
        }
    }
}

#[test]
fn the_squared_error_is_weighted_over_places_and_time() {
    let (schedule, t) = (ho(), [10, 500]);
    let (x0, z, output) = (pictures(2, 1), noise(2, 2, 2), noise(2, 2, 3));
    let weighting = Weighting::MinSnr { gamma: 5.0 };
    let loss = Loss { weighting, ..loss(PredictionKind::Epsilon, Objective::SquaredError, false) };
    let value = loss.evaluate(&schedule, &x0, &z, &t, output.clone(), &[1.0, 1.0]).unwrap();
    let weights = weighting.weights(&schedule, PredictionKind::Epsilon, &t).unwrap();
    for i in 0..2 {
        let squares = (4 * i..4 * i + 4).map(|j| (output.as_slice()[j] - z.as_slice()[j]).powi(2));
        let expected = squares.sum::<f64>() / 4.0;
        close(value.squared_errors[i], expected, 1e-12, 0.0);
        close(value.losses[i], weights[i] * expected, 1e-12, 0.0);
    }
}

#[test]
fn importances_are_one_for_each_sample() {
    let (x0, z, output) = (pictures(2, 1), noise(2, 2, 2), noise(2, 2, 3));
    let loss = loss(PredictionKind::Epsilon, Objective::SquaredError, false);
    let error = loss.evaluate(&ho(), &x0, &z, &[10, 500], output, &[1.0]).unwrap_err();
    assert!(
        error.to_string().starts_with("training loss: 1 importances were given for 2 samples"),
        "{error}"
    );
}

#[test]
fn losses_that_teach_nothing_are_refused() {
    let message = |objective, learns| {
        loss(PredictionKind::V, objective, learns).check().map_err(|error| error.to_string())
    };
    assert!(message(Objective::Hybrid { vlb_weight: 0.001 }, false).unwrap_err().contains("hybrid"));
    assert!(message(Objective::Hybrid { vlb_weight: 0.0 }, true).unwrap_err().contains("vlb_weight = 0"));
    assert!(message(Objective::SquaredError, true).unwrap_err().contains("squared_error"));
    for (objective, learns) in
        [(Objective::Vlb, false), (Objective::Vlb, true), (Objective::SquaredError, false)]
    {
        message(objective, learns).unwrap();
    }
}
