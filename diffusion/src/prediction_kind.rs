use crate::Level;
use serde::{Deserialize, Serialize};
use std::fmt;

/// What a model predicts. Every kind is, at a given level, a fixed combination a x_0 + b ε of the clean picture and the
/// noise, so any two are related through x_t = signal · x_0 + noise · ε.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub enum PredictionKind {
    /// The noise ε (Ho et al. 2020).
    #[serde(rename = "epsilon")]
    Epsilon,
    /// The clean picture x_0.
    #[serde(rename = "sample")]
    Sample,
    /// v = √ᾱ ε − √(1−ᾱ) x_0 (Salimans and Ho 2022, appendix D).
    #[serde(rename = "v_prediction")]
    V,
    /// The score ∇ log p(x_t) = −ε / noise (Song et al. 2021; the conditional one, whose mean given x_t is the score).
    #[serde(rename = "score")]
    Score,
    /// The velocity ε − x_0 of the straight path from the picture to the noise (Liu et al. 2023).
    #[serde(rename = "velocity")]
    Velocity,
    /// What the network inside EDM's preconditioning predicts: F in x̂_0 = c_skip x + c_out F, for x = x_t / signal and
    /// σ = noise / signal, with c_skip = σ_d²/(σ² + σ_d²) and c_out = σ σ_d/√(σ² + σ_d²) (Karras et al. 2022, table 1).
    /// Its variance is 1 at every level if the data's is σ_d²; with σ_d = 1, it is −v.
    #[serde(rename = "edm")]
    Edm {
        /// σ_d, the standard deviation of the data.
        sigma_data: f64,
    },
}

impl PredictionKind {
    /// (a, b) such that the predicted quantity is a x_0 + b ε at the given level.
    pub fn coefficients(self, level: Level) -> (f64, f64) {
        match self {
            PredictionKind::Epsilon => (0.0, 1.0),
            PredictionKind::Sample => (1.0, 0.0),
            PredictionKind::V => (-level.noise, level.signal),
            PredictionKind::Score => (0.0, -1.0 / level.noise),
            PredictionKind::Velocity => (-1.0, 1.0),
            PredictionKind::Edm { sigma_data } => {
                // F = (x_0 − c_skip x) / c_out, multiplied out so that σ may be infinite.
                let Level { signal, noise } = level;
                let total = (noise * noise + signal * signal * sigma_data * sigma_data).sqrt();
                (noise / (sigma_data * total), -signal * sigma_data / total)
            }
        }
    }

    /// By how much an error in x_0, carried over to this kind at the same x_t, is multiplied. An error δ in x_0 is
    /// one of −(signal / noise) δ in ε, so it is |a − b signal / noise|.
    pub(crate) fn per_x0(self, level: Level) -> f64 {
        let (a, b) = self.coefficients(level);
        (a - b * level.signal / level.noise).abs()
    }

    /// By how much an error in ε is multiplied: as [`PredictionKind::per_x0`], from the other end.
    pub(crate) fn per_epsilon(self, level: Level) -> f64 {
        let (a, b) = self.coefficients(level);
        (b - a * level.noise / level.signal).abs()
    }

    /// Whether a prediction of this kind implies an x_0 at the given level: ε and the score do not where no signal is
    /// left.
    pub fn determines_x0(self, level: Level) -> bool {
        let (a, b) = self.coefficients(level);
        level.signal * b != level.noise * a
    }
}

impl fmt::Display for PredictionKind {
    /// The symbol of what is predicted.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            PredictionKind::Epsilon => "ε",
            PredictionKind::Sample => "x_0",
            PredictionKind::V => "v",
            PredictionKind::Score => "the score",
            PredictionKind::Velocity => "the velocity",
            PredictionKind::Edm { .. } => "F",
        })
    }
}
