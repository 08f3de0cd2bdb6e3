use tweedie_tensor::Number;

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
