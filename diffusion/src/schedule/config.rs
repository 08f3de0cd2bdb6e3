use crate::{Error, Result, Schedule};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// The family that a schedule is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ScheduleKind {
    /// [`Schedule::linear`].
    Linear,
    /// [`Schedule::scaled_linear`].
    ScaledLinear,
    /// [`Schedule::cosine`].
    Cosine,
    /// [`Schedule::sigmoid`] with s = −3, e = 3, τ = 1.
    Sigmoid,
    /// [`Schedule::laplace`] with μ = 0, b = 0.5.
    Laplace,
    /// [`Schedule::edm`] from σ = 0.002 to 80 with ρ = 7.
    Edm,
    /// [`Schedule::rectified_flow`].
    RectifiedFlow,
    /// [`Schedule::from_betas`].
    Betas,
}

impl ScheduleKind {
    /// The families that have a formula: all but [`ScheduleKind::Betas`].
    pub const FORMULAS: [ScheduleKind; 7] = [
        ScheduleKind::Linear,
        ScheduleKind::ScaledLinear,
        ScheduleKind::Cosine,
        ScheduleKind::Sigmoid,
        ScheduleKind::Laplace,
        ScheduleKind::Edm,
        ScheduleKind::RectifiedFlow,
    ];

    /// The name in configurations.
    pub fn name(self) -> &'static str {
        match self {
            ScheduleKind::Linear => "linear",
            ScheduleKind::ScaledLinear => "scaled_linear",
            ScheduleKind::Cosine => "cosine",
            ScheduleKind::Sigmoid => "sigmoid",
            ScheduleKind::Laplace => "laplace",
            ScheduleKind::Edm => "edm",
            ScheduleKind::RectifiedFlow => "rectified_flow",
            ScheduleKind::Betas => "betas",
        }
    }

    /// Whether β_1 and β_T are its parameters.
    pub fn has_end_points(self) -> bool {
        matches!(self, ScheduleKind::Linear | ScheduleKind::ScaledLinear)
    }

    /// Whether its levels keep signal² + noise² = 1.
    pub fn preserves_variance(self) -> bool {
        self != ScheduleKind::RectifiedFlow
    }
}

impl fmt::Display for ScheduleKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for ScheduleKind {
    type Err = Error;

    /// Reads the name of a family that has a formula; a hyphen will do for an underscore.
    fn from_str(name: &str) -> Result<ScheduleKind> {
        let plain = name.replace('-', "_");
        let found = ScheduleKind::FORMULAS.into_iter().find(|kind| kind.name() == plain);
        found.ok_or_else(|| Error::Unsupported {
            key: "schedule",
            value: name.to_string(),
            supported: "linear, scaled_linear, cosine, sigmoid, laplace, edm or rectified_flow",
        })
    }
}

/// A schedule as a configuration file writes it.
///
/// Without end points, the linear families take those of their papers scaled by 1000 / T, so that the noise at the
/// end hardly depends on T; given end points are taken as they are.
///
/// A key that the family does not read is refused, lest it be believed to have an effect.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ScheduleConfig {
    /// The family.
    pub kind: ScheduleKind,
    /// T, the number of steps. With [`ScheduleKind::Betas`], how many betas there are.
    pub timesteps: usize,
    /// β_1 of the linear families.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub beta_start: Option<f64>,
    /// β_T of the linear families.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub beta_end: Option<f64>,
    /// Every β_t, for [`ScheduleKind::Betas`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub betas: Option<Vec<f64>>,
    /// Whether to rescale so that no signal is left at the end ([`Schedule::with_zero_terminal_snr`]).
    pub zero_terminal_snr: bool,
}

impl Default for ScheduleConfig {
    /// The linear schedule of Ho et al. 2020: T = 1000, β from 1e-4 to 0.02.
    fn default() -> ScheduleConfig {
        ScheduleConfig {
            kind: ScheduleKind::Linear,
            timesteps: 1000,
            beta_start: None,
            beta_end: None,
            betas: None,
            zero_terminal_snr: false,
        }
    }
}

impl ScheduleConfig {
    /// Computes the schedule.
    ///
    /// # Errors
    /// [`Error::Parameter`] when a key is missing or does not belong to the family, or there are no steps;
    /// [`Error::Beta`] when a β leaves (0, 1).
    pub fn build(&self) -> Result<Schedule> {
        let scale = 1000.0 / self.timesteps as f64;
        let ends = |start: f64, end: f64| {
            (self.beta_start.unwrap_or(scale * start), self.beta_end.unwrap_or(scale * end))
        };
        let refuse = |name, why: &str| Err(Error::parameter("schedule", name, self.kind.name(), why));
        if (self.beta_start.is_some() || self.beta_end.is_some()) && !self.kind.has_end_points() {
            return refuse("kind", "does not read beta_start and beta_end");
        }
        if self.betas.is_some() != (self.kind == ScheduleKind::Betas) {
            return refuse(
                "kind",
                if self.betas.is_some() { "does not read betas" } else { "needs the key betas" },
            );
        }
        if self.zero_terminal_snr && !self.kind.preserves_variance() {
            return refuse("kind", "cannot be rescaled by zero_terminal_snr: it ends in pure noise as it is");
        }
        let steps = self.timesteps;
        let schedule = match self.kind {
            ScheduleKind::Linear => {
                let (start, end) = ends(1e-4, 0.02);
                Schedule::linear(steps, start, end)
            }
            ScheduleKind::ScaledLinear => {
                let (start, end) = ends(0.00085, 0.012);
                Schedule::scaled_linear(steps, start, end)
            }
            ScheduleKind::Cosine => Schedule::cosine(steps),
            ScheduleKind::Sigmoid => Schedule::sigmoid(steps, -3.0, 3.0, 1.0),
            ScheduleKind::Laplace => Schedule::laplace(steps, 0.0, 0.5),
            ScheduleKind::Edm => Schedule::edm(steps, 0.002, 80.0, 7.0),
            ScheduleKind::RectifiedFlow => Schedule::rectified_flow(steps),
            ScheduleKind::Betas => {
                let betas = self.betas.clone().unwrap_or_default();
                if betas.len() != steps {
                    let why = format!("there are {} betas", betas.len());
                    return Err(Error::parameter("schedule", "timesteps", steps, why));
                }
                Schedule::from_betas(betas)
            }
        }?;
        if self.zero_terminal_snr { schedule.with_zero_terminal_snr() } else { Ok(schedule) }
    }
}
