//! Which sampler a scheduler class is.

use super::class::SchedulerClass;
use super::keys::SchedulerConfig;
use crate::{Churn, Result, Sampler, SamplerKind, SamplerSettings, Spacing};
use tweedie_tensor::Element;

/// `algorithm_type` of DPM-Solver for the reverse SDE.
const SDES: [&str; 2] = ["sde-dpmsolver++", "sde-dpmsolver"];

impl SchedulerClass {
    /// The class that samples as a kind of sampler does; `None` where diffusers has none.
    pub fn of(kind: SamplerKind) -> Option<SchedulerClass> {
        Some(match kind {
            SamplerKind::Ddpm => SchedulerClass::Ddpm,
            SamplerKind::Ddim => SchedulerClass::Ddim,
            SamplerKind::Pndm => SchedulerClass::Pndm,
            SamplerKind::Euler => SchedulerClass::Euler,
            SamplerKind::EulerAncestral => SchedulerClass::EulerAncestral,
            SamplerKind::Heun => SchedulerClass::Heun,
            SamplerKind::Kdpm2 => SchedulerClass::Kdpm2,
            SamplerKind::Kdpm2Ancestral => SchedulerClass::Kdpm2Ancestral,
            SamplerKind::Lms => SchedulerClass::Lms,
            SamplerKind::Dpm2m | SamplerKind::Dpmpp2m | SamplerKind::Dpmpp2mSde | SamplerKind::Dpmpp3m => {
                SchedulerClass::DpmSolver
            }
            SamplerKind::Dpmpp2s => SchedulerClass::SingleStep,
            SamplerKind::Deis => SchedulerClass::Deis,
            SamplerKind::UniPc => SchedulerClass::UniPc,
            SamplerKind::Lcm => SchedulerClass::Lcm,
            SamplerKind::Dpmpp3mFull | SamplerKind::UniPcFull => return None,
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
            SchedulerClass::EulerAncestral => SamplerKind::EulerAncestral,
            SchedulerClass::Heun => SamplerKind::Heun,
            SchedulerClass::Kdpm2 => SamplerKind::Kdpm2,
            SchedulerClass::Kdpm2Ancestral => SamplerKind::Kdpm2Ancestral,
            SchedulerClass::Lms => SamplerKind::Lms,
            SchedulerClass::DpmSolver => match self.algorithm_type.as_str() {
                sde if SDES.contains(&sde) => SamplerKind::Dpmpp2mSde,
                "dpmsolver" => SamplerKind::Dpm2m,
                _ if self.solver_order == 3 => SamplerKind::Dpmpp3m,
                _ => SamplerKind::Dpmpp2m,
            },
            SchedulerClass::SingleStep => SamplerKind::Dpmpp2s,
            SchedulerClass::Deis => SamplerKind::Deis,
            SchedulerClass::UniPc => SamplerKind::UniPc,
            SchedulerClass::Lcm => SamplerKind::Lcm,
        })
    }

    /// This configuration with the keys of the multistep DPM-Solver set as a kind of sampler needs them; as they are where
    /// they stand for it already.
    fn of_dpm_solver(self, kind: SamplerKind) -> SchedulerConfig {
        if self.of_class(SchedulerClass::DpmSolver).kind().ok() == Some(kind) {
            return self;
        }
        let (algorithm, order) = match kind {
            SamplerKind::Dpm2m => ("dpmsolver", self.solver_order.min(2)),
            SamplerKind::Dpmpp2mSde => (SDES[0], self.solver_order.min(2)),
            SamplerKind::Dpmpp3m => ("dpmsolver++", 3),
            _ => ("dpmsolver++", self.solver_order.min(2)),
        };
        // DPM-Solver has no step to the clean picture there.
        let end =
            if kind == SamplerKind::Dpm2m { "sigma_min".into() } else { self.final_sigmas_type.clone() };
        SchedulerConfig {
            algorithm_type: algorithm.into(),
            solver_order: order,
            final_sigmas_type: end,
            ..self
        }
    }

    /// The scheduler of diffusers that `settings` name, with this configuration, at `steps` steps spread as `spacing` or
    /// else the configuration says; a sampler that diffusers does not have, at its own times. Of the settings it reads the
    /// kind, η, churn and, where it is given, the order; the configuration has the others.
    ///
    /// # Errors
    /// As [`SchedulerConfig::sampler`], [`Ddim::new`](crate::Ddim::new) and [`Euler::churn`](crate::Euler::churn).
    pub fn build<T: Element>(
        &self,
        settings: &SamplerSettings,
        steps: usize,
        spacing: Option<Spacing>,
    ) -> Result<Box<dyn Sampler<T> + Send>> {
        let mut config = self.clone();
        if let Some(spacing) = spacing {
            config.timestep_spacing = Some(spacing.name().into());
        }
        if let Some(order) = settings.order {
            config.solver_order = order;
        }
        let Some(class) = SchedulerClass::of(settings.kind) else {
            let times = settings.kind.times(&config.schedule()?, steps, Some(config.spacing()?))?;
            return settings.build(&times);
        };
        let churn = Churn::new(settings.churn);
        Ok(match class {
            SchedulerClass::Ddim => Box::new(config.ddim(steps, settings.eta)?),
            SchedulerClass::Euler => Box::new(config.euler(steps)?.churn(churn)?),
            SchedulerClass::Heun => Box::new(config.heun(steps)?.churn(churn)?),
            SchedulerClass::Lms => Box::new(config.lms(steps, settings.order.unwrap_or(4))?),
            SchedulerClass::DpmSolver => Box::new(config.of_dpm_solver(settings.kind).dpm_solver(steps)?),
            _ => return config.of_class(class).sampler(steps),
        })
    }
}
