use crate::config::{SamplerKind, SamplingConfig};
use crate::{Error, Result};
use tweedie_diffusion::{Sampler, SchedulerConfig};

/// The sampler that a scheduler's configuration stands for.
///
/// # Errors
/// A class of scheduler that is not known, or one of flows.
pub(super) fn sampler_of(scheduler: &SchedulerConfig) -> Result<SamplerKind> {
    refuse_flows(scheduler)?;
    scheduler.kind().map_err(|_| {
        let what = format!("{} is not known", scheduler.class_name);
        let names = SamplerKind::listed(|_| true);
        Error::config(what, PLACE, format!("name the sampler to take in its place, --sampler {names}"))
    })
}

/// The file in which a scheduler's keys are.
const PLACE: &str = "scheduler_config.json";

/// Refuses a scheduler of flows, whose path from noise to pictures no sampler here takes.
fn refuse_flows(scheduler: &SchedulerConfig) -> Result<()> {
    if scheduler.is_of_flows() {
        let what = format!("{} is of flows, and holds no betas for any sampler here", scheduler.class_name);
        return Err(Error::config(
            what,
            PLACE,
            "take a model that was trained on noise; predict takes this one",
        ));
    }
    Ok(())
}

/// The scheduler with this configuration, at other settings.
pub(in crate::model) fn sampler(
    scheduler: &SchedulerConfig,
    sampling: &SamplingConfig,
) -> Result<Box<dyn Sampler<f32> + Send>> {
    refuse_flows(scheduler)?;
    Ok(scheduler.build(&sampling.settings(), sampling.steps, sampling.spacing)?)
}
