use crate::config::{SamplerKind, SamplingConfig};
use crate::{Error, Result};
use tweedie_diffusion::{Churn, Sampler, SchedulerClass, SchedulerConfig};

/// The sampler that a scheduler's configuration stands for.
///
/// # Errors
/// A class of scheduler that is not known, or one of flows.
pub(super) fn sampler_of(scheduler: &SchedulerConfig) -> Result<SamplerKind> {
    refuse_flows(scheduler)?;
    let class = scheduler.class().map_err(|_| {
        let what = format!("{} is not known", scheduler.class_name);
        let names = "ddpm, ddim, pndm, euler, heun, dpmpp-2m, dpmpp-2m-sde or unipc";
        Error::config(what, PLACE, format!("name the sampler to take in its place, --sampler {names}"))
    })?;
    Ok(match class {
        SchedulerClass::Ddpm => SamplerKind::Ddpm,
        SchedulerClass::Ddim => SamplerKind::Ddim,
        SchedulerClass::Pndm => SamplerKind::Pndm,
        SchedulerClass::Euler => SamplerKind::Euler,
        SchedulerClass::Heun => SamplerKind::Heun,
        SchedulerClass::DpmSolver if scheduler.algorithm_type == SDE => SamplerKind::Dpmpp2mSde,
        SchedulerClass::DpmSolver => SamplerKind::Dpmpp2m,
        SchedulerClass::UniPc => SamplerKind::UniPc,
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

/// `algorithm_type` of DPM-Solver++ for the reverse SDE.
const SDE: &str = "sde-dpmsolver++";

/// The scheduler with this configuration, at other settings.
pub(in crate::model) fn sampler(
    scheduler: &SchedulerConfig,
    sampling: &SamplingConfig,
) -> Result<Box<dyn Sampler<f32>>> {
    let SamplingConfig { steps, eta, churn, .. } = *sampling;
    refuse_flows(scheduler)?;
    let mut config = scheduler.clone();
    if let Some(spacing) = sampling.spacing {
        config.timestep_spacing = Some(spacing.name().into());
    }
    let churn = Churn::new(churn);
    Ok(match sampling.sampler {
        SamplerKind::Ddpm => Box::new(config.ddpm(steps)?),
        SamplerKind::Ddim => Box::new(config.ddim(steps, eta)?),
        SamplerKind::Pndm => Box::new(config.pndm(steps)?),
        SamplerKind::Euler => {
            let schedule = config.of_class(SchedulerClass::Euler).schedule()?;
            Box::new(config.euler(steps)?.churn(churn, |sigma| schedule.at_sigma(sigma))?)
        }
        SamplerKind::Heun => {
            let schedule = config.of_class(SchedulerClass::Heun).schedule()?;
            Box::new(config.heun(steps)?.churn(churn, |sigma| schedule.at_sigma(sigma))?)
        }
        SamplerKind::Dpmpp2m | SamplerKind::Dpmpp2mSde => {
            if sampler_of(&config).ok() != Some(sampling.sampler) {
                let stochastic = sampling.sampler == SamplerKind::Dpmpp2mSde;
                config.algorithm_type = if stochastic { SDE } else { "dpmsolver++" }.into();
            }
            Box::new(config.dpm_solver(steps)?)
        }
        SamplerKind::UniPc => Box::new(config.unipc(steps)?),
    })
}
