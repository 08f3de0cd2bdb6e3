use crate::{Error, PredictionKind, Result, Schedule, VarianceKind};
use serde::{Deserialize, Serialize};

/// How the squared error ‖y − y_θ‖² is weighted over time.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Weighting {
    /// 1, whatever is predicted: for ε, L_simple of Ho et al. 2020, eq. 14.
    Simple,
    /// The bound's own weight λ_t ‖ε − ε_θ‖² (Ho et al. 2020, eq. 12), carried over to what is predicted. The weight
    /// at the first index, which the bound treats apart, is that of variance β̃_2 (β_1 with the large variance).
    Lambda {
        /// The variance of the reverse step.
        variance: VarianceKind,
    },
    /// min(SNR, γ) ‖x_0 − x̂_0‖² (Hang et al. 2023), carried over to what is predicted: min(SNR, γ)/SNR for ε,
    /// min(SNR, γ) for x_0, min(SNR, γ)/(SNR + 1) for v. Hang et al. take γ = 5.
    MinSnr {
        /// Where the weight of x_0 is cut.
        gamma: f64,
    },
    /// P2: (k + SNR)^−γ ‖ε − ε_θ‖² (Choi et al. 2022, eq. 8), carried over to what is predicted: less weight on late
    /// times, which only clean up. They take k = 1 and γ = 0.5 or 1; γ = 0 is simple for ε.
    P2 {
        /// What keeps the weight finite where there is no signal.
        k: f64,
        /// How steeply the weight falls with SNR.
        gamma: f64,
    },
}

impl Weighting {
    /// The weight of the squared error of a prediction of the given kind, for each index of `t`.
    ///
    /// An error δ in x_0 is, at the same x_t, an error c δ in what is predicted; a weight w of ‖δ‖² is w / c² of
    /// ‖c δ‖². For ε, c² = SNR; for v, c² = SNR + 1.
    ///
    /// # Errors
    /// [`Error::Time`] when an index is not below T; [`Error::Parameter`] when γ is not above 0, or a weight is not
    /// finite: that of ε where no signal is left.
    pub fn weights(self, schedule: &Schedule, kind: PredictionKind, t: &[usize]) -> Result<Vec<f64>> {
        schedule.check("loss weights", t)?;
        t.iter().map(|&t| self.weight(schedule, kind, t)).collect()
    }

    fn weight(self, schedule: &Schedule, kind: PredictionKind, t: usize) -> Result<f64> {
        let level = schedule.level(t);
        let of_x0 = match self {
            Weighting::Simple => return Ok(1.0),
            Weighting::Lambda { variance } => {
                let step = schedule.step(t);
                let variance = schedule.variance_clipped(t, variance);
                let (coefficient, _) = step.posterior_mean_coefficients();
                coefficient * coefficient / (2.0 * variance)
            }
            Weighting::MinSnr { gamma } if gamma > 0.0 => level.snr().min(gamma),
            Weighting::MinSnr { gamma } => {
                return Err(Error::parameter("min-SNR weighting", "gamma", gamma, "must be above 0"));
            }
            Weighting::P2 { k, .. } if !(k > 0.0 && k.is_finite()) => {
                return Err(Error::parameter("P2 weighting", "k", k, "must be above 0"));
            }
            Weighting::P2 { gamma, .. } if !(gamma >= 0.0 && gamma.is_finite()) => {
                return Err(Error::parameter("P2 weighting", "gamma", gamma, "must be 0 or above"));
            }
            Weighting::P2 { k, gamma } => {
                let of_epsilon = libm::pow(k + level.snr(), -gamma);
                let per_epsilon = kind.per_epsilon(level);
                return finite(of_epsilon / (per_epsilon * per_epsilon), kind, t);
            }
        };
        let per_x0 = kind.per_x0(level);
        finite(of_x0 / (per_x0 * per_x0), kind, t)
    }
}

fn finite(weight: f64, kind: PredictionKind, t: usize) -> Result<f64> {
    if weight.is_finite() {
        return Ok(weight);
    }
    let why = format!("the weight of an error in {kind} is not finite where no signal is left");
    Err(Error::parameter("loss weights", "t", t, why))
}
