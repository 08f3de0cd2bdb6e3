//! Samplers on data whose denoiser is known.

use super::case::Case;
use super::row::Row;
use crate::{
    Condition, Ddim, Ddpm, Deis, Denoiser, DpmSolver, DpmSolverAlgorithm, DpmSolverSingleStep, Euler,
    GaussianDenoiser, Heun, Kdpm2, Level, Lms, Pndm, Result, Sampler, SamplerKind, SamplerSettings, Schedule,
    Spacing, Times, Timestep, UniPc, VarianceKind,
};
use tweedie_tensor::Tensor;

pub(super) fn rows(case: &Case<'_>) -> Result<Vec<Row>> {
    let mut rows = vec![
        ancestral(case, "fixed small", VarianceKind::FixedSmall)?,
        ancestral(case, "fixed large", VarianceKind::FixedLarge)?,
        ddim_gain(case)?,
    ];
    rows.extend(eta_one(case)?);
    rows.extend(spread_on_edms_grid(case)?);
    rows.extend(orders(case)?);
    rows.extend(orders_by_width(case)?);
    rows.extend(orders_to_the_end(case)?);
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
    let sampler = Ddim::new(&Times::spaced(&case.schedule, steps, Spacing::Leading)?, 0.0)?;
    let actual = case.paint(&sampler, &gaussian(1.0)?, 1.0)?;
    Ok(Row::relative(format!("data N(0, 1), DDIM in {steps} leading steps: gain"), expected, actual, 1e-9))
}

/// DDIM with η = 1 is DDPM with β̃: the same pictures from the same noise.
fn eta_one(case: &Case<'_>) -> Result<[Row; 1]> {
    let times = Times::spaced(&case.schedule, case.timesteps.min(100), Spacing::Trailing)?;
    let denoiser = gaussian(0.25)?;
    let ddim = case.paint(&Ddim::new(&times, 1.0)?, &denoiser, 0.7)?;
    let ddpm = case.paint(&Ddpm::new(&times, VarianceKind::FixedSmall), &denoiser, 0.7)?;
    Ok([Row::new("DDIM with η = 1 paints what DDPM paints", ddpm, ddim, 1e-9)])
}

const EDM_DATA: f64 = 0.25;

fn edm_times(steps: usize) -> Result<Times> {
    Times::edm(steps, 0.002, 80.0, 7.0)
}

/// By how much the spread of what `sampler` paints is off, for data N(0, ¼) from σ = 80.
fn spread_error(case: &Case<'_>, sampler: &impl Sampler<f64>) -> Result<f64> {
    Ok(case.paint(sampler, &gaussian(EDM_DATA)?, 80.0)? / EDM_DATA.sqrt() - 1.0)
}

/// Euler's and Heun's method on EDM's grid: dx/dσ = x σ/(v + σ²) there, which multiplies x by a number in each step.
fn spread_on_edms_grid(case: &Case<'_>) -> Result<Vec<Row>> {
    let slope = |sigma: f64| sigma / (EDM_DATA + sigma * sigma);
    let by_hand = |steps: usize, second_order: bool| {
        let root = |sigma: f64| sigma.powf(1.0 / 7.0);
        let (high, low) = (root(80.0), root(0.002));
        let sigma = |i: usize| match i {
            _ if i == steps => 0.0,
            _ => (high + (low - high) * i as f64 / (steps - 1) as f64).powi(7),
        };
        let mut x = 80.0;
        for i in 0..steps {
            let (from, to) = (sigma(i), sigma(i + 1));
            let euler = x * (1.0 + (to - from) * slope(from));
            x = match second_order && to > 0.0 {
                true => x + 0.5 * (to - from) * (x * slope(from) + euler * slope(to)),
                false => euler,
            };
        }
        x / EDM_DATA.sqrt() - 1.0
    };
    let mut rows = Vec::new();
    for steps in [18, 36, 72, 144] {
        let name = |method: &str| {
            format!("data N(0, ¼), EDM's grid, {method} in {steps} steps: spread, relative error")
        };
        let euler = spread_error(case, &Euler::new(&edm_times(steps)?))?;
        let heun = spread_error(case, &Heun::new(&edm_times(steps)?))?;
        rows.push(Row::new(name("Euler"), by_hand(steps, false), euler, 1e-9));
        rows.push(Row::new(name("Heun"), by_hand(steps, true), heun, 1e-9));
    }
    Ok(rows)
}

/// From σ = 10 to σ = 0.1, evenly in ln σ.
const ENDS: (f64, f64) = (10.0, 0.1);

/// The order that halving `steps` steps of a sampler shows: a method of order p is off 2^p times less with twice the steps. For
/// data N(0, v) the flow multiplies x by √((v + σ'²)/(v + σ²)).
fn measured_order(
    case: &Case<'_>,
    variance: f64,
    steps: usize,
    sampler: impl Fn(&Times) -> Result<Box<dyn Sampler<f64> + Send>>,
) -> Result<f64> {
    let (from, to) = ENDS;
    let exact = ((variance + to * to) / (variance + from * from)).sqrt();
    let error = |steps: usize| -> Result<f64> {
        let sigma = |i: usize| (from.ln() + (to / from).ln() * i as f64 / steps as f64).exp();
        let listed: Vec<Timestep> = (0..steps).map(|i| Timestep::edm(sigma(i))).collect();
        let times = Times::through(&listed, Timestep::edm(to))?;
        Ok(case.paint(&sampler(&times)?, &gaussian(variance)?, 1.0)? / exact - 1.0)
    };
    let (coarse, fine) = (error(steps)?, error(2 * steps)?);
    Ok((coarse / fine).abs().log2())
}

/// The variances of the data, by name.
const WIDTHS: [(&str, f64); 3] = [("1/16", 0.0625), ("1/4", 0.25), ("1", 1.0)];

/// A sampler by name, and its order.
type Ordered = (&'static str, f64, fn(&Times) -> Result<Box<dyn Sampler<f64> + Send>>);

fn orders(case: &Case<'_>) -> Result<Vec<Row>> {
    let methods: [Ordered; 4] = [
        ("Euler's method", 1.0, |times| Ok(Box::new(Euler::new(times)))),
        ("Heun's method", 2.0, |times| Ok(Box::new(Heun::new(times)))),
        ("DPM-Solver++ 2M", 2.0, |times| Ok(Box::new(DpmSolver::new(times).lower_order_final(false)))),
        ("UniPC with a predictor of order 2", 3.0, |times| {
            Ok(Box::new(UniPc::new(times, 2)?.lower_order_final(false)))
        }),
    ];
    let row = |(name, expected, sampler): Ordered| {
        let name = format!("order of {name}, by halving its steps");
        Ok(Row::new(name, expected, measured_order(case, EDM_DATA, 64, sampler)?, 0.1))
    };
    methods.into_iter().map(row).collect()
}

/// The others, on data of three widths.
fn orders_by_width(case: &Case<'_>) -> Result<Vec<Row>> {
    let methods: [Ordered; 8] = [
        ("KDPM2", 2.0, |times| Ok(Box::new(Kdpm2::new(times)))),
        ("LMS of order 2", 2.0, |times| Ok(Box::new(Lms::new(times, 2)?))),
        ("DPM-Solver 2M", 2.0, |times| Ok(Box::new(noise_solver(times)))),
        ("DPM-Solver++ 2M", 2.0, |times| Ok(Box::new(DpmSolver::new(times).lower_order_final(false)))),
        ("DPM-Solver++ 2S", 2.0, |times| Ok(Box::new(DpmSolverSingleStep::new(times, 2, false)?))),
        ("DEIS of order 2", 2.0, |times| Ok(Box::new(Deis::new(times, 2)?.lower_order_final(false)))),
        ("UniPC with a predictor of order 3", 4.0, |times| {
            Ok(Box::new(UniPc::new(times, 3)?.lower_order_final(false)))
        }),
        ("PNDM", 2.0, |times| Ok(Box::new(Pndm::new(times)?))),
    ];
    let mut rows = Vec::new();
    for (width, variance) in WIDTHS {
        for (name, expected, sampler) in methods {
            let name = format!("order of {name} on data N(0, {width})");
            rows.push(Row::new(
                name,
                expected,
                measured_order(case, variance, 256, sampler)?,
                0.1 * expected,
            ));
        }
    }
    Ok(rows)
}

fn noise_solver(times: &Times) -> DpmSolver {
    DpmSolver::new(times).algorithm(DpmSolverAlgorithm::Original).lower_order_final(false)
}

/// The samplers that keep their order in the step to the clean picture, over the noise levels of Karras on the linear
/// schedule of T = 1024, by halving 64 steps. A run starts with the deviation that the data have at its first level.
fn orders_to_the_end(case: &Case<'_>) -> Result<Vec<Row>> {
    let schedule = Schedule::linear(1024, 1e-4, 0.02)?;
    let kinds = [(SamplerKind::Lms, 4.0), (SamplerKind::Dpmpp3mFull, 3.0), (SamplerKind::UniPcFull, 4.0)];
    let mut rows = Vec::new();
    for (width, variance) in WIDTHS {
        for (kind, expected) in kinds {
            let error = |steps: usize| -> Result<f64> {
                let times = kind.times(&schedule, steps, None)?;
                let Level { signal, noise } = times.steps()[0].from.level();
                let start = (signal * signal * variance + noise * noise).sqrt();
                let sampler = SamplerSettings::new(kind).build(&times)?;
                Ok(case.paint(&sampler, &gaussian(variance)?, start)? / variance.sqrt() - 1.0)
            };
            let order = (error(64)? / error(128)?).abs().log2();
            let name = format!("order of {}, to the clean picture, on data N(0, {width})", kind.title());
            rows.push(Row::new(name, expected, order, 0.1 * expected));
        }
    }
    Ok(rows)
}
