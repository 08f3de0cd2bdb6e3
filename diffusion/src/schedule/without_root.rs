use super::table::Schedule;
use crate::{Level, Result};

impl Schedule {
    /// The chain that popular notes print, x_t = α_t x_{t−1} + √β_t z, to show why the root of α is there: x_t has the mean
    /// ᾱ_t x_0 in the place of √ᾱ_t x_0, and its variance does not stay 1. It is a demonstration; no model is trained on it.
    ///
    /// ```
    /// let schedule = tweedie_diffusion::Schedule::linear(1000, 1e-4, 0.02)?;
    /// let last = schedule.without_root()?.level(999);
    /// assert!((last.signal * last.signal + last.noise * last.noise - 0.504924).abs() < 1e-6);
    /// # Ok::<(), tweedie_diffusion::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Schedule::from_levels`].
    pub fn without_root(&self) -> Result<Schedule> {
        let (mut signal, mut variance) = (1.0, 0.0);
        let steps = self.alphas().iter().zip(self.betas());
        let levels = steps.map(|(alpha, beta)| {
            signal *= alpha;
            variance = alpha * alpha * variance + beta;
            Level { signal, noise: f64::sqrt(variance) }
        });
        Schedule::from_levels(levels.collect())
    }
}
