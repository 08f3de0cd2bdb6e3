//! The chain of noise, its marginals, and its posterior.

use super::case::Case;
use super::reference::log_normal;
use super::row::Row;
use crate::{Prediction, PredictionKind, Result, Schedule, ScheduleConfig, VarianceKind};
use tweedie_tensor::Tensor;

pub(super) fn rows(case: &Case<'_>) -> Result<Vec<Row>> {
    let Case { subject, schedule, reference, timesteps, .. } = case;
    let (timesteps, half) = (*timesteps, timesteps / 2);
    let mut rows = Vec::new();
    for t in [half, timesteps] {
        let (expected, _) = reference.level(t);
        rows.push(Row::relative(format!("ᾱ_{t}"), expected, schedule.alphas_cumprod()[t - 1], 1e-10));
    }
    for t in [1, reference.last_with_signal()] {
        rows.push(Row::new(format!("log SNR_{t}"), reference.snr(t).ln(), schedule.log_snr(t - 1), 1e-9));
    }
    let posterior_variance = subject.variance(&schedule.step(1), VarianceKind::FixedSmall);
    rows.push(Row::relative("β̃_2", reference.posterior_variance(2), posterior_variance, 1e-9));

    rows.extend(marginal(case)?);
    rows.extend(roots(case)?);
    rows.push(bayes(case)?);
    rows.extend(posterior_at_a_point(case)?);
    rows.extend(reverse_variances(case)?);
    rows.extend(subsets(case)?);
    Ok(rows)
}

/// One number in a batch of one.
fn one(x: f64) -> Tensor<f64> {
    Tensor::full([1, 1], x)
}

/// q(x_t | x_0) is what the steps compose to: each step's mean and variance, carried along.
fn marginal(case: &Case<'_>) -> Result<[Row; 2]> {
    let Case { subject, schedule, reference, timesteps, .. } = case;
    let (mut means, mut spreads) = (Vec::new(), Vec::new());
    let (mut mean, mut variance) = (1.0, 0.0);
    for t in 0..*timesteps {
        mean *= reference.alpha[t].sqrt();
        variance = reference.alpha[t] * variance + reference.beta[t];
        means.push(subject.q_sample(schedule, &one(1.0), &[t], &one(0.0))?.as_slice()[0] - mean);
        spreads
            .push(subject.q_sample(schedule, &one(0.0), &[t], &one(1.0))?.as_slice()[0].powi(2) - variance);
    }
    Ok([
        Row::identity("chain = marginal: mean of x_t given x_0, largest deviation over t", means, 1e-11),
        Row::identity("chain = marginal: variance of x_t, largest deviation over t", spreads, 1e-11),
    ])
}

/// Why the root is there: data of variance 1 keep it along √(1−β) x, and lose it along (1−β) x.
fn roots(case: &Case<'_>) -> Result<Vec<Row>> {
    if !case.kind.preserves_variance() {
        return Ok(Vec::new());
    }
    let last = case.timesteps - 1;
    let coefficient = |x0, z| -> Result<f64> {
        Ok(case.subject.q_sample(&case.schedule, &one(x0), &[last], &one(z))?.as_slice()[0])
    };
    let with_root = coefficient(1.0, 0.0)?.powi(2) + coefficient(0.0, 1.0)?.powi(2);
    let without = |betas: &[f64]| betas.iter().fold(1.0, |v, beta| (1.0 - beta) * (1.0 - beta) * v + beta);
    // The same from the other end: v = Π (1−β)² + Σ_t β_t Π_{s>t} (1−β_s)².
    let (mut rest, mut sum) = (1.0, 0.0);
    for beta in case.reference.beta.iter().rev() {
        sum += beta * rest;
        rest *= (1.0 - beta) * (1.0 - beta);
    }
    Ok(vec![
        Row::new("variance of x_T for data of variance 1", 1.0, with_root, 1e-12),
        Row::relative(
            "the same without the root, as popular notes print it",
            sum + rest,
            without(case.schedule.betas()),
            1e-10,
        ),
    ])
}

/// q(x_t | x_{t−1}) q(x_{t−1} | x_0) = q(x_{t−1} | x_t, x_0) q(x_t | x_0), as logarithms, relative to the largest.
fn bayes(case: &Case<'_>) -> Result<Row> {
    let Case { subject, schedule, reference, timesteps, .. } = case;
    let mut deviations = Vec::new();
    for t in 2..=*timesteps {
        for (x0, before, x_t) in [(0.7, -0.4, 1.3), (-1.0, 0.2, -0.6)] {
            let posterior = subject.q_posterior(schedule, &one(x0), &one(x_t), &[t - 1])?;
            let ((s, u), (s_t, u_t)) = (reference.level(t - 1), reference.level(t));
            let step = log_normal(x_t, reference.alpha[t - 1].sqrt() * before, reference.beta[t - 1]);
            let left = [step, log_normal(before, s.sqrt() * x0, u)];
            let right = [
                log_normal(before, posterior.mean.as_slice()[0], posterior.variance[0]),
                log_normal(x_t, s_t.sqrt() * x0, u_t),
            ];
            let largest = left.iter().chain(&right).fold(1.0f64, |m, term| m.max(term.abs()));
            deviations.push((left[0] + left[1] - right[0] - right[1]) / largest);
        }
    }
    Ok(Row::identity("Bayes' rule for the posterior, largest deviation over t", deviations, 1e-9))
}

/// μ̃ and β̃ from the precisions that meet: μ̃ = β̃ (√α x_t/β + √ᾱ_{t−1} x_0/(1−ᾱ_{t−1})).
fn posterior_at_a_point(case: &Case<'_>) -> Result<Vec<Row>> {
    let Case { subject, schedule, reference, .. } = case;
    let mut rows = Vec::new();
    for t in case.times() {
        let (x0, x_t) = (0.5, -1.25);
        let posterior = subject.q_posterior(schedule, &one(x0), &one(x_t), &[t - 1])?;
        let (s, u) = reference.level(t - 1);
        let (alpha, beta, variance) =
            (reference.alpha[t - 1], reference.beta[t - 1], reference.posterior_variance(t));
        let mean = if u == 0.0 { x0 } else { variance * (alpha.sqrt() * x_t / beta + s.sqrt() * x0 / u) };
        rows.push(Row::new(format!("μ̃_{t} at x_0 = ½, x_t = −1¼"), mean, posterior.mean.as_slice()[0], 1e-9));
        if t > 1 {
            rows.push(Row::relative(format!("β̃_{t}"), variance, posterior.variance[0], 1e-8));
        }
    }
    Ok(rows)
}

/// σ² of p(x_{t−1} | x_t): β, β̃, and what a model says in between, in the middle of the way.
fn reverse_variances(case: &Case<'_>) -> Result<Vec<Row>> {
    let Case { subject, schedule, reference, .. } = case;
    let t = case.timesteps / 2;
    let (large, small) = (reference.beta[t - 1], reference.posterior_variance(t));
    let x = one(0.3);
    let variance = |prediction: &Prediction<f64>, kind| -> Result<f64> {
        Ok::<f64, crate::Error>(
            subject.p_mean_variance(schedule, prediction, &x, &[t - 1], kind)?.variance[0],
        )
    };
    let plain = Prediction::new(PredictionKind::Sample, one(0.1));
    let ranged = Prediction { range: Some(one(0.5)), ..plain.clone() };
    Ok(vec![
        Row::relative(
            format!("σ²_{t}, fixed large"),
            large,
            variance(&plain, VarianceKind::FixedLarge)?,
            1e-9,
        ),
        Row::relative(
            format!("σ²_{t}, fixed small"),
            small,
            variance(&plain, VarianceKind::FixedSmall)?,
            1e-8,
        ),
        Row::relative(
            format!("σ²_{t}, learned range at three quarters"),
            large.powf(0.75) * small.powf(0.25),
            variance(&ranged, VarianceKind::FixedSmall)?,
            1e-8,
        ),
    ])
}

/// The chain over a subset of times, and the one rescaled to end in pure noise.
fn subsets(case: &Case<'_>) -> Result<Vec<Row>> {
    let Case { schedule, reference, timesteps, .. } = case;
    let times: Vec<usize> = (0..*timesteps).filter(|t| t % 3 == 1 || t + 1 == *timesteps).collect();
    let respaced = schedule.respaced(&times)?;
    // Composed from the subset's own steps.
    let (mut variance, mut deviations) = (0.0, Vec::new());
    for (k, &t) in times.iter().enumerate() {
        variance = respaced.alphas()[k] * variance + respaced.betas()[k];
        deviations.push(variance - reference.noise[t]);
        deviations.push(respaced.alphas_cumprod()[k] - reference.signal[t]);
    }
    let mut rows =
        vec![Row::identity("respaced chain = chain, largest deviation over its times", deviations, 1e-11)];
    if case.kind.preserves_variance() {
        let config = ScheduleConfig {
            kind: case.kind,
            timesteps: *timesteps,
            zero_terminal_snr: true,
            ..Default::default()
        };
        let zero = case.subject.schedule(&config)?;
        let (first, end) = (reference.signal[0].sqrt(), reference.signal[timesteps - 1].sqrt());
        let moved = |t: usize| (reference.signal[t].sqrt() - end) * first / (first - end);
        let deviation = |t: usize| zero.level(t).signal - moved(t);
        rows.push(Row::new(
            "ᾱ_T after rescaling to zero terminal SNR",
            0.0,
            zero.alphas_cumprod()[timesteps - 1],
            0.0,
        ));
        rows.push(Row::identity(
            "√ᾱ_t after rescaling, largest deviation from the linear map",
            (0..*timesteps).map(deviation),
            1e-11,
        ));
    }
    rows.extend(families(*timesteps)?);
    Ok(rows)
}

/// What the two families without β say at their own places.
fn families(timesteps: usize) -> Result<Vec<Row>> {
    let edm = Schedule::edm(timesteps, 0.002, 80.0, 7.0)?;
    let flow = Schedule::rectified_flow(timesteps)?;
    let sigma = |t: usize| edm.level(t).noise / edm.level(t).signal;
    let mut signal = 1.0;
    let straight = (0..timesteps).map(|t| {
        signal *= flow.alphas()[t].sqrt();
        signal + flow.level(t).noise - 1.0
    });
    Ok(vec![
        Row::relative("σ at the ends of EDM's grid: least", 0.002, sigma(0), 1e-9),
        Row::relative("σ at the ends of EDM's grid: largest", 80.0, sigma(timesteps - 1), 1e-9),
        Row::identity("rectified flow: signal + noise − 1, largest deviation over t", straight, 1e-12),
    ])
}
