use super::level::Level;
use tweedie_tensor::Number;

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
