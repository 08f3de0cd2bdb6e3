//! Pictures by their frequencies.

use super::case::Case;
use super::row::Row;
use crate::spectrum::{Bands, PowerLaw};
use crate::{Error, Result};
use std::f64::consts::PI;
use tweedie_tensor::Tensor;

const HEIGHT: usize = 5;
const WIDTH: usize = 6;
const PLACES: usize = HEIGHT * WIDTH;

pub(super) fn rows(case: &Case<'_>) -> Result<Vec<Row>> {
    let mut rows = vec![parseval()?];
    for t in case.times() {
        rows.push(noisy(case, t)?);
    }
    rows.push(power_law()?);
    Ok(rows)
}

/// A picture without symmetries.
fn picture() -> Vec<f64> {
    (0..PLACES).map(|i| ((i * i * 7 + 3 * i) % 31) as f64 / 15.0 - 1.0).collect()
}

/// |X(f)|² by the double sum of its definition.
fn by_definition(x: &[f64]) -> Vec<f64> {
    let power = |u: usize, v: usize| {
        let (mut re, mut im) = (0.0, 0.0);
        for (i, x) in x.iter().enumerate() {
            let turns = (u * (i / WIDTH)) as f64 / HEIGHT as f64 + (v * (i % WIDTH)) as f64 / WIDTH as f64;
            re += x * (2.0 * PI * turns).cos();
            im -= x * (2.0 * PI * turns).sin();
        }
        (re * re + im * im) / PLACES as f64
    };
    (0..PLACES).map(|k| power(k / WIDTH, k % WIDTH)).collect()
}

/// The powers of all frequencies add up to the sum of squares.
fn parseval() -> Result<Row> {
    let (bands, x) = (Bands::new(HEIGHT, WIDTH)?, picture());
    let spectrum = bands.spectra(&Tensor::from_slice([1, HEIGHT, WIDTH], &x)?)?;
    let power = spectrum.as_slice().iter().zip(bands.counts()).map(|(power, &count)| power * count as f64);
    let squares = x.iter().map(|x| x * x).sum();
    Ok(Row::relative("Parseval: Σ |X(f)|² = Σ x²", squares, power.sum(), 1e-12))
}

/// E|X_t(f)|² over the noise. x_t is linear in the noise, so the mean over all noise is a sum over the unit noises ±e_j, each
/// sign cancelling the other's cross term: Σ_j ½ (|X_t(+e_j)|² + |X_t(−e_j)|²) − (n − 1) |X_t(0)|².
fn noisy(case: &Case<'_>, t: usize) -> Result<Row> {
    let (bands, x0) = (Bands::new(HEIGHT, WIDTH)?, picture());
    let runs = 2 * PLACES + 1;
    let unit = |run: usize, i: usize| match run {
        0 => 0.0,
        _ if (run - 1) / 2 != i => 0.0,
        _ => 2.0 * ((run - 1) % 2) as f64 - 1.0,
    };
    let shape = [runs, HEIGHT, WIDTH];
    let noise = Tensor::from_fn(shape, |i| unit(i / PLACES, i % PLACES));
    let clean = Tensor::from_fn(shape, |i| x0[i % PLACES]);
    let x_t = case.subject.q_sample(&case.schedule, &clean, &vec![t - 1; runs], &noise)?;
    let power = bands.power(&x_t)?;
    let (signal, variance) = case.reference.level(t);
    let deviations = by_definition(&x0).into_iter().enumerate().map(|(k, clean)| {
        let of = |run: usize| power.as_slice()[run * PLACES + k];
        let actual = (1..runs).map(of).sum::<f64>() / 2.0 - (PLACES - 1) as f64 * of(0);
        let expected = signal * clean + variance;
        (actual - expected) / (1.0 + clean)
    });
    let name = format!("E|X_t(f)|² = ᾱ |X_0(f)|² + 1 − ᾱ at t = {t}, largest deviation over f");
    Ok(Row::identity(name, deviations, 1e-11))
}

/// α of a line of places whose every wave has the power k^−α.
fn power_law() -> Result<Row> {
    let (alpha, n) = (2.2, 48usize);
    let bands = Bands::new(1, n)?;
    let x = Tensor::from_fn([1, 1, n], |i| {
        let wave = |k: usize| {
            (k as f64).powf(-0.5 * alpha) * (2.0 * PI * (k * i) as f64 / n as f64 + k as f64).cos()
        };
        // The last wave would be its own mirror image.
        (1..n / 2).map(wave).sum::<f64>()
    });
    let spectrum = bands.spectra(&x)?;
    let last = n / 2;
    let fitted = PowerLaw::fit(&bands.frequencies()[..last], &spectrum.as_slice()[..last]);
    let fitted =
        fitted.ok_or_else(|| Error::parameter("verify", "bands", last, "no power law could be fitted"))?;
    Ok(Row::new("α of a spectrum f^−2.2, fitted", alpha, fitted.alpha, 1e-9))
}
