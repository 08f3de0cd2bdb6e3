use super::{Answer, linear};
use tweedie_diffusion::Level;
use tweedie_diffusion::spectrum::{PowerLaw, drowned_from};

pub(crate) const ANSWERS: &[Answer] =
    &[("frequencies.drowned", drowned), ("frequencies.crossover", crossover)];

/// The first t, counted from 1, at which a frequency with a hundredth of the noise's power has drowned.
fn drowned() -> f64 {
    drowned_from(&linear(), 0.01).unwrap() as f64 + 1.0
}

/// By which factor the crossover falls where SNR falls to a hundredth, for α = 2.95.
fn crossover() -> f64 {
    let law = PowerLaw { alpha: 2.95, std_error: 0.0, amplitude: 0.01 };
    let at = |snr: f64| law.crossover(Level::of_log_snr(snr.ln()));
    at(1.0) / at(0.01)
}
