//! Which sampler a scheduler class is.

use super::class::SchedulerClass;
use super::keys::SchedulerConfig;
use crate::{Churn, Result, Sampler, SamplerKind, SamplerSettings, Spacing};
use tweedie_tensor::Element;

/// `algorithm_type` of DPM-Solver++ for the reverse SDE.
const SDE: &str = "sde-dpmsolver++";

impl SchedulerClass {
    /// The class that samples as a kind of sampler does; `None` where diffusers has none.
    pub fn of(kind: SamplerKind) -> Option<SchedulerClass> {
        Some(match kind {
            SamplerKind::Ddpm => SchedulerClass::Ddpm,
            SamplerKind::Ddim => SchedulerClass::Ddim,
            SamplerKind::Pndm => SchedulerClass::Pndm,
            SamplerKind::Euler => SchedulerClass::Euler,
            SamplerKind::Heun => SchedulerClass::Heun,
            SamplerKind::Dpmpp2m | SamplerKind::Dpmpp2mSde => SchedulerClass::DpmSolver,
            SamplerKind::UniPc => SchedulerClass::UniPc,
        })
    }
}

impl SchedulerConfig {
    /// The kind of sampler that the configuration's own class is.
    ///
    /// # Errors
    /// As [`SchedulerConfig::class`].
    pub fn kind(&self) -> Result<SamplerKind> {
        Ok(match self.class()? {
            SchedulerClass::Ddpm => SamplerKind::Ddpm,
            SchedulerClass::Ddim => SamplerKind::Ddim,
            SchedulerClass::Pndm => SamplerKind::Pndm,
            SchedulerClass::Euler => SamplerKind::Euler,
            SchedulerClass::Heun => SamplerKind::Heun,
            SchedulerClass::DpmSolver if self.algorithm_type == SDE => SamplerKind::Dpmpp2mSde,
            SchedulerClass::DpmSolver => SamplerKind::Dpmpp2m,
            SchedulerClass::UniPc => SamplerKind::UniPc,
        })
    }

    /// The scheduler of diffusers that `settings` name, with this configuration, at `steps` steps spread as `spacing` or
    /// else the configuration says. Of the settings it reads the kind, η and churn; the configuration has the others.
    ///
    /// # Errors
    /// As [`SchedulerConfig::sampler`], [`Ddim::new`](crate::Ddim::new) and [`Euler::churn`](crate::Euler::churn).
    pub fn build<T: Element>(
        &self,
        settings: &SamplerSettings,
        steps: usize,
        spacing: Option<Spacing>,
    ) -> Result<Box<dyn Sampler<T>>> {
        let mut config = self.clone();
        if let Some(spacing) = spacing {
            config.timestep_spacing = Some(spacing.name().into());
        }
        let churn = Churn::new(settings.churn);
        Ok(match settings.kind {
            SamplerKind::Ddpm => Box::new(config.ddpm(steps)?),
            SamplerKind::Ddim => Box::new(config.ddim(steps, settings.eta)?),
            SamplerKind::Pndm => Box::new(config.pndm(steps)?),
            SamplerKind::Euler => Box::new(config.euler(steps)?.churn(churn)?),
            SamplerKind::Heun => Box::new(config.heun(steps)?.churn(churn)?),
            SamplerKind::Dpmpp2m | SamplerKind::Dpmpp2mSde => {
                if config.kind().ok() != Some(settings.kind) {
                    let stochastic = settings.kind == SamplerKind::Dpmpp2mSde;
                    config.algorithm_type = if stochastic { SDE } else { "dpmsolver++" }.into();
                }
                Box::new(config.dpm_solver(steps)?)
            }
            SamplerKind::UniPc => Box::new(config.unipc(steps)?),
        })
    }
}
