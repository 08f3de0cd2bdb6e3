use super::level::Level;
use serde::{Deserialize, Serialize};
use tweedie_tensor::Number;

/// The step of a diffusion between two levels, `to` the less noisy one: x_from = √α x_to + √β z, z ~ N(0, I).
///
/// Between neighbours of a schedule, α and β are α_t and β_t. Between any two times s < t they are those of the
/// composed steps, α = ∏ α_k and β = 1 − α: the steps of a subset of times are a diffusion of their own, with the
/// same marginals (Nichol and Dhariwal 2021, eq. 19).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Transition {
    /// The noisier level, the one that a reverse step leaves.
    pub from: Level,
    /// The level that a reverse step reaches.
    pub to: Level,
    /// The square of the factor that the forward step multiplies by.
    pub alpha: f64,
    /// The variance that the forward step adds.
    pub beta: f64,
}

/// Which variance the reverse step p(x_s | x_t) has. Ho et al. 2020, section 3.2, name both: each is exact for one
/// extreme of data, the large one for unit-variance noise, the small one for a single point.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VarianceKind {
    /// σ² = β.
    FixedLarge,
    /// σ² = β̃, the variance of the posterior q(x_s | x_t, x_0).
    FixedSmall,
}

impl Transition {
    /// The step between two levels: α = (s_from/s_to)², β = n_from² − α n_to². That β is n_from² (1 − r²) with r the
    /// square root of the levels' ratio of SNR, and 1 − r² = (1 − r)(1 + r) loses no digits.
    pub fn between(from: Level, to: Level) -> Transition {
        let ratio = from.signal / to.signal;
        let whole = to.signal * from.noise;
        let (less, more) = (whole - from.signal * to.noise, whole + from.signal * to.noise);
        let beta = less * more / (to.signal * to.signal);
        Transition { from, to, alpha: ratio * ratio, beta }
    }

    /// The coefficients of x_0 and x_t in the mean of the posterior q(x_s | x_t, x_0):
    /// √ᾱ_s β / (1−ᾱ_t) and √α (1−ᾱ_s) / (1−ᾱ_t) (Ho et al. 2020, eq. 7).
    pub fn posterior_mean_coefficients(&self) -> (f64, f64) {
        let (from, to) = (self.from.noise * self.from.noise, self.to.noise * self.to.noise);
        (self.to.signal * self.beta / from, self.alpha.sqrt() * to / from)
    }

    /// The variance of the posterior, β̃ = β (1−ᾱ_s) / (1−ᾱ_t) (Ho et al. 2020, eq. 7). It is 0 where the step
    /// ends at the clean picture.
    pub fn posterior_variance(&self) -> f64 {
        let ratio = self.to.noise / self.from.noise;
        self.beta * (ratio * ratio)
    }

    /// The variance σ² of a reverse step of the given kind.
    pub fn variance(&self, kind: VarianceKind) -> f64 {
        match kind {
            VarianceKind::FixedLarge => self.beta,
            VarianceKind::FixedSmall => self.posterior_variance(),
        }
    }

    /// The variance where the model has its own say: log σ² = u log β + (1 − u) log β̃, u = (1 + `range`)/2
    /// (Nichol and Dhariwal 2021, eq. 15). 0 where the step ends at the clean picture.
    pub fn learned_variance(&self, range: f64) -> f64 {
        between_in_log(self.beta, self.posterior_variance(), range)
    }

    /// The weight of ‖ε − ε_θ‖² in KL(q(x_s | x_t, x_0) ‖ p_θ(x_s | x_t)), in nats, for a reverse step of variance
    /// σ²: λ = β² / (2σ² α (1−ᾱ_t)) (Ho et al. 2020, eq. 12). With σ² = β̃ it is ½ (SNR_s / SNR_t − 1)
    /// (Kingma et al. 2021, eq. 14). Infinite where σ² = 0.
    pub fn lambda(&self, variance: f64) -> f64 {
        self.beta * self.beta / (2.0 * variance * self.alpha * (self.from.noise * self.from.noise))
    }

    /// What a fixed variance costs in KL(q(x_s | x_t, x_0) ‖ p_θ(x_s | x_t)), in nats a dimension, however good the
    /// mean is: C = ½ (ln(σ²/β̃) − 1 + β̃/σ²). It has no gradient, and belongs in every reported bound.
    pub fn kl_constant(&self, variance: f64) -> f64 {
        let ratio = self.posterior_variance() / variance;
        0.5 * (ratio - 1.0 - Number::ln(ratio))
    }
}

/// From `small` at −1 to `large` at 1, evenly in the logarithm.
pub(crate) fn between_in_log(large: f64, small: f64, range: f64) -> f64 {
    let u = 0.5 * (1.0 + range);
    Number::exp(u * Number::ln(large) + (1.0 - u) * Number::ln(small))
}
