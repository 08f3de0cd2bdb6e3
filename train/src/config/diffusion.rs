//! The section `diffusion`.

use crate::Result;
use serde::{Deserialize, Serialize};
use tweedie_diffusion::{
    Loss, Objective, PredictionKind, Schedule, ScheduleConfig, ScheduleKind, TimestepSampling, VarianceKind,
    Weighting,
};

/// The forward process and the training target.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DiffusionConfig {
    /// T, the number of noise levels.
    pub timesteps: usize,
    /// The family of β_t.
    pub schedule: ScheduleKind,
    /// β_1, where the schedule is given by its end points.
    pub beta_start: f64,
    /// β_T, likewise.
    pub beta_end: f64,
    /// Every β_t, where the schedule is `betas`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub betas: Option<Vec<f64>>,
    /// Whether the schedule is rescaled so that no signal is left at its end.
    pub zero_terminal_snr: bool,
    /// What the network's output stands for.
    pub prediction: PredictionKind,
    /// What is minimised.
    pub objective: Objective,
    /// How the squared error is weighted over t.
    pub weighting: Weighting,
    /// Whether the network also says the variance of the reverse step, in as many channels again.
    pub learned_variance: bool,
    /// The variance in the bound where the network does not say it.
    pub variance: VarianceKind,
    /// How t is drawn.
    pub timestep_sampling: TimestepSampling,
}

impl Default for DiffusionConfig {
    fn default() -> Self {
        DiffusionConfig {
            timesteps: 1000,
            schedule: ScheduleKind::Cosine,
            beta_start: 1e-4,
            beta_end: 0.02,
            betas: None,
            zero_terminal_snr: false,
            prediction: PredictionKind::V,
            objective: Objective::SquaredError,
            weighting: Weighting::Simple,
            learned_variance: false,
            variance: VarianceKind::FixedSmall,
            timestep_sampling: TimestepSampling::Stratified,
        }
    }
}

impl DiffusionConfig {
    /// The schedule of these settings.
    ///
    /// # Errors
    /// End points or a T that make none.
    pub fn schedule(&self) -> Result<Schedule> {
        let end = |beta| self.schedule.has_end_points().then_some(beta);
        let schedule = ScheduleConfig {
            kind: self.schedule,
            timesteps: self.timesteps,
            beta_start: end(self.beta_start),
            beta_end: end(self.beta_end),
            betas: self.betas.clone(),
            zero_terminal_snr: self.zero_terminal_snr,
        };
        Ok(schedule.build()?)
    }

    /// The training loss of these settings.
    pub fn loss(&self) -> Loss {
        let DiffusionConfig { objective, weighting, learned_variance, variance, prediction, .. } = *self;
        Loss { kind: prediction, learns_variance: learned_variance, objective, weighting, variance }
    }
}
