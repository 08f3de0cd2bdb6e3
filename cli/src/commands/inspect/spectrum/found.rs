//! What was measured, as `--json` prints it.

use serde::Serialize;
use tweedie_diffusion::ScheduleKind;
use tweedie_train::config::SamplerKind;
use tweedie_train::measure::spectrum::{Drowning, Settling, Spectrum};

/// The spectra of pictures or of a model.
#[derive(Debug, Serialize)]
pub(super) struct Found {
    pub(super) source: String,
    #[serde(flatten)]
    pub(super) spectrum: Spectrum,
    #[serde(flatten)]
    pub(super) over: Over,
}

/// What is known at every t of a schedule, or every step of a sampler.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(super) enum Over {
    Schedule {
        schedule: ScheduleKind,
        timesteps: usize,
        #[serde(flatten)]
        drowning: Drowning,
    },
    Sampler {
        sampler: SamplerKind,
        steps: usize,
        tolerance: f64,
        #[serde(flatten)]
        settling: Settling,
    },
}

impl Found {
    /// What it is of, and the exponent of its power law.
    pub(super) fn title(&self) -> String {
        let Found { source, spectrum: Spectrum { pictures, alpha, alpha_std_error, .. }, .. } = self;
        let alpha = match (alpha, alpha_std_error) {
            (Some(alpha), Some(error)) => format!(": S(f) ∝ f^−α with α = {alpha:.2} ± {error:.2}"),
            _ => String::new(),
        };
        let plural = if *pictures == 1 { "" } else { "s" };
        format!("{source}, {pictures} picture{plural}{alpha}")
    }
}
