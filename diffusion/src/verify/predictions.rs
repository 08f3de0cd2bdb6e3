//! What is predicted, and how one prediction implies another.

use super::case::Case;
use super::row::Row;
use crate::{Condition, Denoiser, GaussianDenoiser, MixtureDenoiser, Prediction, PredictionKind, Result};
use tweedie_tensor::Tensor;

const SIGMA_DATA: f64 = 0.5;
const KINDS: [(&str, PredictionKind); 6] = [
    ("ε", PredictionKind::Epsilon),
    ("x_0", PredictionKind::Sample),
    ("v", PredictionKind::V),
    ("score", PredictionKind::Score),
    ("velocity", PredictionKind::Velocity),
    ("F", PredictionKind::Edm { sigma_data: SIGMA_DATA }),
];
/// A picture and a noise of one number each.
const TRUTH: (f64, f64) = (0.6, -1.1);

pub(super) fn rows(case: &Case<'_>) -> Result<Vec<Row>> {
    let mut rows = values(case)?;
    rows.extend(round_trips(case)?);
    rows.extend(tweedie(case)?);
    Ok(rows)
}

/// What `kind` is, typed out, at signal s and noise n.
fn definition(kind: PredictionKind, s: f64, n: f64) -> f64 {
    let (x0, noise) = TRUTH;
    match kind {
        PredictionKind::Epsilon => noise,
        PredictionKind::Sample => x0,
        PredictionKind::V => s * noise - n * x0,
        PredictionKind::Score => -(s * x0 + n * noise - s * x0) / (n * n),
        PredictionKind::Velocity => noise - x0,
        PredictionKind::Edm { sigma_data } => {
            let (sigma, x) = (n / s, x0 + n / s * noise);
            let total = sigma * sigma + sigma_data * sigma_data;
            (x0 - sigma_data * sigma_data / total * x) * total.sqrt() / (sigma * sigma_data)
        }
    }
}

/// Each kind from v, half way, against its definition.
fn values(case: &Case<'_>) -> Result<Vec<Row>> {
    let t = case.timesteps / 2;
    let (signal, noise) = case.reference.level(t);
    let (s, n) = (signal.sqrt(), noise.sqrt());
    let x_t = Tensor::full([1, 1], s * TRUTH.0 + n * TRUTH.1);
    let v = Prediction::new(PredictionKind::V, Tensor::full([1, 1], definition(PredictionKind::V, s, n)));
    let others = KINDS.into_iter().filter(|(_, kind)| *kind != PredictionKind::V);
    others
        .map(|(name, kind)| {
            let actual = case.subject.convert(&case.schedule, &v, kind, &x_t, &[t - 1])?.as_slice()[0];
            Ok(Row::new(format!("{name} from v, at t = {t}"), definition(kind, s, n), actual, 1e-9))
        })
        .collect()
}

/// From each kind to every other and back, at every t with signal. An error grows by noise/signal or its inverse on the
/// way, and is counted in that unit.
fn round_trips(case: &Case<'_>) -> Result<Vec<Row>> {
    let t: Vec<usize> = (0..case.reference.last_with_signal()).collect();
    let levels: Vec<(f64, f64)> = t.iter().map(|&t| case.reference.level(t + 1)).collect();
    let batch = |f: &dyn Fn(f64, f64) -> f64| {
        Tensor::from_fn([t.len(), 1], |i| f(levels[i].0.sqrt(), levels[i].1.sqrt()))
    };
    let x_t = batch(&|s, n| s * TRUTH.0 + n * TRUTH.1);
    KINDS
        .into_iter()
        .map(|(name, from)| {
            let truth = batch(&|s, n| definition(from, s, n));
            let prediction = Prediction::new(from, truth.clone());
            let mut deviations = Vec::new();
            for (_, to) in KINDS {
                let there = case.subject.convert(&case.schedule, &prediction, to, &x_t, &t)?;
                let there = Prediction::new(to, there);
                let back = case.subject.convert(&case.schedule, &there, from, &x_t, &t)?;
                for (i, (back, truth)) in back.as_slice().iter().zip(truth.as_slice()).enumerate() {
                    let ratio = (levels[i].1 / levels[i].0).sqrt();
                    deviations.push((back - truth) / (1.0 + truth.abs()) / (ratio + 1.0 / ratio));
                }
            }
            let name = format!("{name} to every other prediction and back, largest deviation over t");
            Ok(Row::identity(name, deviations, 1e-11))
        })
        .collect()
}

/// E[x_0 | x_t] = (x_t + (1−ᾱ_t) ∇ log p(x_t)) / √ᾱ_t, the gradient by differences of the density typed out.
fn tweedie(case: &Case<'_>) -> Result<Vec<Row>> {
    let t = case.timesteps / 2;
    let (signal, noise) = case.reference.level(t);
    let s = signal.sqrt();
    let formula = |density: &dyn Fn(f64) -> f64, x: f64| {
        let h = 1e-4;
        // Of fourth order.
        let log = |x: f64| density(x).ln();
        let slope = (8.0 * (log(x + h) - log(x - h)) - (log(x + 2.0 * h) - log(x - 2.0 * h))) / (12.0 * h);
        (x + noise * slope) / s
    };
    let normal = |x: f64, m: f64, v: f64| (-(x - m) * (x - m) / (2.0 * v)).exp() / v.sqrt();
    let parts = [(0.7, -0.8, 0.04), (0.3, 0.5, 0.09)];
    let gaussian = GaussianDenoiser::new(Tensor::full([1], 0.3), 0.25)?;
    let column = |f: &dyn Fn(&(f64, f64, f64)) -> f64| parts.iter().map(f).collect::<Vec<f64>>();
    let means = column(&|part| part.1);
    let mixture = MixtureDenoiser::new(
        Tensor::from_fn([2, 1], |i| means[i]),
        &column(&|part| part.0),
        &column(&|part| part.2),
    )?;
    let of_gaussian = |x| normal(x, s * 0.3, signal * 0.25 + noise);
    let of_mixture = |x| parts.iter().map(|(w, m, v)| w * normal(x, s * m, signal * v + noise)).sum();
    let answer = |denoiser: &dyn Denoiser<f64>, x: f64| {
        let time = case.schedule.timestep(t - 1);
        Ok::<f64, crate::Error>(
            denoiser.predict(&Tensor::full([1, 1], x), &[time], &Condition::default())?.value.as_slice()[0],
        )
    };
    let points = [-0.9, 0.4];
    let mut rows = Vec::new();
    for x in points {
        let name = |data: &str| format!("Tweedie's formula, {data}, x_{t} = {x}");
        rows.push(Row::new(name("data N(0.3, ¼)"), formula(&of_gaussian, x), answer(&gaussian, x)?, 1e-8));
        rows.push(Row::new(name("a mixture of two"), formula(&of_mixture, x), answer(&mixture, x)?, 1e-8));
    }
    Ok(rows)
}
