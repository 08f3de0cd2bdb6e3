use crate::{Error, Result, Schedule};
use serde::{Deserialize, Serialize};

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
    /// [`Schedule::from_betas`].
    Betas,
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
        let has_ends = self.beta_start.is_some() || self.beta_end.is_some();
        let refuse = |name, why: &str| Err(Error::parameter("schedule", name, self.kind_name(), why));
        let schedule = match (self.kind, &self.betas) {
            (ScheduleKind::Betas, None) => return refuse("kind", "needs the key betas"),
            (ScheduleKind::Betas, Some(betas)) if betas.len() != self.timesteps => {
                let why = format!("there are {} betas", betas.len());
                return Err(Error::parameter("schedule", "timesteps", self.timesteps, why));
            }
            (ScheduleKind::Cosine | ScheduleKind::Betas, _) if has_ends => {
                return refuse("kind", "does not read beta_start and beta_end");
            }
            (ScheduleKind::Betas, Some(betas)) => Schedule::from_betas(betas.clone())?,
            (_, Some(_)) => return refuse("kind", "does not read betas"),
            (ScheduleKind::Linear, None) => {
                let (start, end) = ends(1e-4, 0.02);
                Schedule::linear(self.timesteps, start, end)?
            }
            (ScheduleKind::ScaledLinear, None) => {
                let (start, end) = ends(0.00085, 0.012);
                Schedule::scaled_linear(self.timesteps, start, end)?
            }
            (ScheduleKind::Cosine, None) => Schedule::cosine(self.timesteps)?,
        };
        if self.zero_terminal_snr { schedule.with_zero_terminal_snr() } else { Ok(schedule) }
    }

    fn kind_name(&self) -> &'static str {
        match self.kind {
            ScheduleKind::Linear => "linear",
            ScheduleKind::ScaledLinear => "scaled_linear",
            ScheduleKind::Cosine => "cosine",
            ScheduleKind::Betas => "betas",
        }
    }
}
