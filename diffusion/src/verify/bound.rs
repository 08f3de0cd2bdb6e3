//! The variational bound, term by term.

use super::case::Case;
use super::reference::{bits, coin_mean, entropy, expectation, kl};
use super::row::Row;
use crate::{Bound, Condition, Denoiser, GaussianDenoiser, MixtureDenoiser, Result, VarianceKind};
use tweedie_tensor::Tensor;

const KINDS: [(&str, VarianceKind); 2] =
    [("σ² = β", VarianceKind::FixedLarge), ("σ² = β̃", VarianceKind::FixedSmall)];

pub(super) fn rows(case: &Case<'_>) -> Result<Vec<Row>> {
    let mut rows = weights(case);
    rows.extend(zero_model(case));
    rows.push(least_variance(case));
    rows.push(prior(case));
    rows.push(coin(case)?);
    rows.push(telescope(case)?);
    Ok(rows)
}

/// σ² of the reverse step at the paper's t.
fn variance(case: &Case<'_>, t: usize, kind: VarianceKind) -> f64 {
    match kind {
        VarianceKind::FixedLarge => case.reference.beta[t - 1],
        VarianceKind::FixedSmall => case.reference.posterior_variance(t),
    }
}

/// λ_t as the program has it.
fn lambda(case: &Case<'_>, t: usize, kind: VarianceKind) -> f64 {
    let step = case.schedule.step(t - 1);
    case.subject.lambda(&step, case.subject.variance(&step, kind))
}

/// The weight of ‖ε − ε_θ‖²: the means are β/√(α(1−ᾱ)) (ε − ε_θ) apart, and count by 1/2σ².
fn weights(case: &Case<'_>) -> Vec<Row> {
    let last = case.reference.last_with_signal();
    let expected = |t: usize, kind| {
        let (beta, alpha) = (case.reference.beta[t - 1], case.reference.alpha[t - 1]);
        let apart = beta / (alpha * case.reference.noise[t - 1]).sqrt();
        apart * apart / (2.0 * variance(case, t, kind))
    };
    let mut rows = Vec::new();
    for (name, kind) in KINDS {
        for t in [2, (case.timesteps / 10).max(3), last] {
            rows.push(Row::relative(
                format!("λ_{t}, {name}"),
                expected(t, kind),
                lambda(case, t, kind),
                1e-8,
            ));
        }
        let sum = |of: &dyn Fn(usize) -> f64| (2..=last).map(of).sum::<f64>();
        let (by_hand, actual) = (sum(&|t| expected(t, kind)), sum(&|t| lambda(case, t, kind)));
        rows.push(Row::relative(format!("Σ λ_t, t = 2 to {last}, {name}"), by_hand, actual, 1e-8));
    }
    let drop = |t: usize| {
        let ratio = case.reference.snr(t - 1) / case.reference.snr(t);
        (lambda(case, t, VarianceKind::FixedSmall) - 0.5 * (ratio - 1.0)) / ratio
    };
    rows.push(Row::identity(
        "λ_t = ½ (SNR_{t−1}/SNR_t − 1), largest deviation over t, relative to the ratio",
        (2..=last).map(drop),
        1e-11,
    ));
    rows
}

/// Σ L_{t−1} of a model that always predicts ε = 0: each a divergence of two normals, typed out, E ε² = 1.
fn zero_model(case: &Case<'_>) -> Vec<Row> {
    let last = case.reference.last_with_signal();
    let mut rows = Vec::new();
    for (name, kind) in KINDS {
        let expected = |t: usize| {
            let apart = case.reference.beta[t - 1]
                / (case.reference.alpha[t - 1] * case.reference.noise[t - 1]).sqrt();
            kl(0.0, case.reference.posterior_variance(t), apart, variance(case, t, kind))
        };
        let constant = |t: usize| {
            let step = case.schedule.step(t - 1);
            case.subject.kl_constant(&step, case.subject.variance(&step, kind))
        };
        let by_hand: f64 = (2..=last).map(expected).sum();
        let actual: f64 = (2..=last).map(|t| lambda(case, t, kind) + constant(t)).sum();
        rows.push(Row::relative(
            format!("ε_θ = 0: Σ L_{{t−1}}, t = 2 to {last}, bits a dimension, {name}"),
            bits(by_hand),
            bits(actual),
            1e-8,
        ));
        let by_hand: f64 = (2..=last)
            .map(|t| kl(0.0, case.reference.posterior_variance(t), 0.0, variance(case, t, kind)))
            .sum();
        let actual: f64 = (2..=last).map(constant).sum();
        rows.push(Row::new(
            format!("of which Σ C_t, {name}"),
            bits(by_hand),
            bits(actual),
            1e-9 * (1.0 + bits(by_hand)),
        ));
    }
    rows
}

/// With an error e of the mean, no σ² costs less than β̃ + e: the least of a search over σ², against the formula.
fn least_variance(case: &Case<'_>) -> Row {
    let t = case.timesteps / 2;
    let step = case.schedule.step(t - 1);
    let small = case.reference.posterior_variance(t);
    let error = 0.3 * small;
    let cost = |variance: f64| error / (2.0 * variance) + case.subject.kl_constant(&step, variance);
    // By golden section, in the logarithm.
    let golden = (5f64.sqrt() - 1.0) / 2.0;
    let (mut low, mut high) = ((small / 10.0).ln(), (small * 10.0).ln());
    for _ in 0..80 {
        let (a, b) = (high - golden * (high - low), low + golden * (high - low));
        if cost(a.exp()) < cost(b.exp()) { high = b } else { low = a }
    }
    // A minimum is flat: half of the digits.
    Row::relative(
        format!("the least costly σ²_{t} for a mean that is off by e: β̃ + e"),
        small + error,
        low.exp(),
        1e-6,
    )
}

/// L_T of a picture of one number, as the program has it.
fn program_prior(case: &Case<'_>, x0: f64) -> f64 {
    Bound::new(&case.schedule, VarianceKind::FixedSmall).prior(&Tensor::full([1, 1], x0))[0]
}

/// L_T at E x_0² = ¼.
fn prior(case: &Case<'_>) -> Row {
    let (signal, noise) = case.reference.level(case.timesteps);
    let actual = program_prior(case, 0.5);
    let expected = kl(0.5 * signal.sqrt(), noise, 0.0, 1.0);
    Row::new("L_T at E x_0² = ¼, bits a dimension", bits(expected), bits(actual), 1e-12)
}

/// Σ L_{t−1} of data ±1 with equal odds and their exact denoiser: E (x_0 − x̂_0)² at each t by quadrature.
fn coin(case: &Case<'_>) -> Result<Row> {
    let last = case.reference.last_with_signal();
    let coin = MixtureDenoiser::new(Tensor::from_fn([2, 1], |i| 2.0 * i as f64 - 1.0), &[1.0; 2], &[0.0; 2])?;
    let (mut by_hand, mut actual) = (0.0, 0.0);
    // By symmetry x_0 = 1.
    const POINTS: usize = 161;
    let z = |i: usize| 8.0 * (2.0 * i as f64 / (POINTS - 1) as f64 - 1.0);
    let weight = |i: usize| (-0.5 * z(i) * z(i)).exp();
    let total: f64 = (0..POINTS).map(weight).sum();
    for t in 2..=last {
        let (signal, noise) = case.reference.level(t);
        let error = expectation(|z| {
            let x = signal.sqrt() + noise.sqrt() * z;
            (1.0 - coin_mean(x, signal, noise)).powi(2)
        });
        by_hand += 0.5 * (case.reference.snr(t - 1) - case.reference.snr(t)) * error;

        let (level, step) = (case.schedule.level(t - 1), case.schedule.step(t - 1));
        let x = Tensor::from_fn([POINTS, 1], |i| level.signal + level.noise * z(i));
        let times = vec![case.schedule.timestep(t - 1); POINTS];
        let x0_hat = coin.predict(&x, &times, &Condition::default())?.value;
        let error: f64 =
            x0_hat.as_slice().iter().enumerate().map(|(i, x0)| (1.0 - x0).powi(2) * weight(i) / total).sum();
        let (of_x0, _) = step.posterior_mean_coefficients();
        actual += of_x0 * of_x0 * error / (2.0 * case.subject.variance(&step, VarianceKind::FixedSmall));
    }
    Ok(Row::relative("data ±1, exact denoiser: Σ L_{t−1} with β̃, bits", bits(by_hand), bits(actual), 1e-8))
}

/// Data N(0, ¼) with the exact mean and variance of each reverse step: the whole bound is
/// H(x_0) + KL(q(x_T) ‖ N(0, 1)).
fn telescope(case: &Case<'_>) -> Result<Row> {
    let data = 0.25f64;
    let denoiser = GaussianDenoiser::new(Tensor::<f64>::zeros([1]), data)?;
    let (signal, noise) = case.reference.level(case.timesteps);
    let expected = entropy(data) + kl(0.0, signal * data + noise, 0.0, 1.0);

    // L_T is linear in x_0², whose mean is the variance.
    let mut actual = program_prior(case, data.sqrt());
    for t in 0..case.timesteps {
        let (level, step) = (case.schedule.level(t), case.schedule.step(t));
        let (of_x0, _) = step.posterior_mean_coefficients();
        let error = of_x0 * of_x0 * data * (1.0 - denoiser.gain(level) * level.signal);
        let exact = case.subject.variance(&step, VarianceKind::FixedSmall) + error;
        actual += match t {
            // −log p(x_0 | x_1), a density here.
            0 => entropy(exact),
            _ => error / (2.0 * exact) + case.subject.kl_constant(&step, exact),
        };
    }
    Ok(Row::new(
        "data N(0, ¼), exact reverse: the whole bound is H + KL(q(x_T) ‖ N), bits",
        bits(expected),
        bits(actual),
        1e-8,
    ))
}
