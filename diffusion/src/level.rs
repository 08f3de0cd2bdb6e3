use crate::{Error, Result};
use tweedie_tensor::{Number, Shape};

/// How much signal and how much noise a noisy picture holds: x = signal · x_0 + noise · ε, ε ~ N(0, I).
///
/// In a variance-preserving diffusion, signal = √ᾱ_t and noise = √(1−ᾱ_t) (Ho et al. 2020, eq. 4), and the squares
/// add up to 1. Nothing here relies on that: conversions and transitions hold for any pair.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Level {
    /// The factor of the clean picture.
    pub signal: f64,
    /// The standard deviation of the noise.
    pub noise: f64,
}

impl Level {
    /// The clean picture itself, the papers' t = 0.
    pub const CLEAN: Level = Level { signal: 1.0, noise: 0.0 };

    /// The variance-preserving level of a given ln SNR: signal² = σ(ln SNR), noise² = σ(−ln SNR), with the logistic σ.
    pub fn of_log_snr(log_snr: f64) -> Level {
        Level { signal: Number::sigmoid(log_snr).sqrt(), noise: Number::sigmoid(-log_snr).sqrt() }
    }

    /// The level of noise beside a signal of 1: σ = noise / signal, 0 for a clean picture and infinite for pure noise. In
    /// the scale x / signal, the probability-flow ODE is dx/dσ = ε̂ (Karras et al. 2022, eq. 3, with s = 1).
    pub fn sigma(&self) -> f64 {
        self.noise / self.signal
    }

    /// The signal-to-noise ratio signal² / noise² (Kingma et al. 2021, eq. 2); infinite for a clean picture.
    pub fn snr(&self) -> f64 {
        let ratio = self.signal / self.noise;
        ratio * ratio
    }
}

/// A time of the diffusion as a denoiser is told it: the value that a network's time embedding reads, and the
/// level of signal and noise, from which an analytic denoiser computes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Timestep {
    clock: f64,
    level: Level,
}

impl Timestep {
    /// The clean picture, one before index 0. Nobody is asked there.
    pub const CLEAN: Timestep = Timestep { clock: -1.0, level: Level::CLEAN };

    /// A noise level of EDM's own path: signal 1, noise σ, and the clock value ln(σ) / 4 (Karras et al. 2022, table 1).
    pub fn edm(sigma: f64) -> Timestep {
        Timestep { clock: Number::ln(sigma) / 4.0, level: Level { signal: 1.0, noise: sigma } }
    }

    /// A time with clock value `clock` at which x = signal · x_0 + noise · ε.
    pub fn new(clock: f64, level: Level) -> Timestep {
        Timestep { clock, level }
    }

    /// What the network's time embedding reads: the index 0..T in a discrete diffusion.
    pub fn clock(&self) -> f64 {
        self.clock
    }

    /// The index into the schedule, if the clock value is a whole number.
    pub fn index(&self) -> Option<usize> {
        (self.clock >= 0.0 && self.clock % 1.0 == 0.0).then_some(self.clock as usize)
    }

    /// The level of signal and noise.
    pub fn level(&self) -> Level {
        self.level
    }
}

/// Refuses a batch that does not have one time for each sample.
pub(crate) fn one_time_each(op: &'static str, shape: &Shape, times: usize) -> Result<()> {
    one_each(op, shape, "times", times)
}

/// Refuses a batch that does not have one of `what` for each sample.
pub(crate) fn one_each(op: &'static str, shape: &Shape, what: &'static str, given: usize) -> Result<()> {
    let samples = shape.first().copied().unwrap_or(1);
    if given != samples {
        return Err(Error::Count { op, what, given, samples, shape: *shape });
    }
    Ok(())
}
