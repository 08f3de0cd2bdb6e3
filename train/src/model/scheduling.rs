use super::diffusers::sampler;
use super::diffusers::scheduler::{Asked, FolderScheduler};
use crate::Result;
use crate::config::{SamplerKind, SamplingConfig};
use tweedie_diffusion::{
    Churn, Ddim, Ddpm, DpmSolver, Euler, Grid, Heun, Plan, Pndm, PredictionKind, Sampler, Schedule, Spacing,
    UniPc,
};

/// What a model is sampled by, and whose conventions lay out the times.
#[derive(Debug)]
pub(crate) enum Scheduling {
    /// This program's: the first step leaves the noisiest level, the last one reaches the clean picture.
    Own {
        /// The schedule that it was trained with.
        schedule: Box<Schedule>,
        /// What the network predicts.
        prediction: PredictionKind,
        /// The settings that it came with.
        sampling: Box<SamplingConfig>,
    },
    /// Those of a diffusers folder's scheduler, where it has one that can be used.
    Diffusers(Box<FolderScheduler>),
}

impl Scheduling {
    /// What to tell a person who samples with these settings, of which some were asked for: a line each.
    pub(super) fn notes(&self, sampling: &SamplingConfig, asked: Asked) -> Vec<String> {
        match self {
            Scheduling::Own { .. } => Vec::new(),
            Scheduling::Diffusers(scheduler) => scheduler.notes(sampling, asked),
        }
    }

    /// The settings that it stands for, with another sampler where one is given.
    pub(super) fn sampling_by(&self, sampler: Option<SamplerKind>) -> Result<SamplingConfig> {
        match self {
            Scheduling::Own { sampling, .. } => {
                let sampler = sampler.unwrap_or(sampling.sampler);
                Ok(SamplingConfig { sampler, ..(**sampling).clone() })
            }
            Scheduling::Diffusers(scheduler) => scheduler.sampling(sampler),
        }
    }

    /// The schedule of the noise.
    pub(super) fn schedule(&self) -> Result<&Schedule> {
        match self {
            Scheduling::Own { schedule, .. } => Ok(schedule),
            Scheduling::Diffusers(scheduler) => scheduler.schedule(),
        }
    }

    /// What the network predicts.
    pub(super) fn prediction(&self) -> Result<PredictionKind> {
        match self {
            Scheduling::Own { prediction, .. } => Ok(*prediction),
            Scheduling::Diffusers(scheduler) => scheduler.prediction(),
        }
    }

    /// The times of this many steps, by this program's conventions.
    pub(super) fn plan(&self, sampling: &SamplingConfig) -> Result<Plan> {
        let spacing = sampling.spacing.unwrap_or(Spacing::Trailing);
        let schedule = self.schedule()?;
        let grid = Grid::new(schedule.num_timesteps(), sampling.steps, spacing, 0)?;
        if sampling.sampler == SamplerKind::Heun && sampling.spacing.is_none() {
            // A trapezoid in σ over a hop from pure noise would be most of the picture.
            return Ok(Plan::karras(schedule, sampling.steps, 7.0)?);
        }
        Ok(Plan::new(schedule, &grid)?)
    }

    /// The sampler with these settings, at the model's own times.
    pub(super) fn sampler(&self, sampling: &SamplingConfig) -> Result<Box<dyn Sampler<f32>>> {
        if let Scheduling::Diffusers(scheduler) = self {
            return sampler::sampler(scheduler.config()?, sampling);
        }
        let (schedule, plan) = (self.schedule()?, self.plan(sampling)?);
        let (clip, churn) = (sampling.clip(), Churn::new(sampling.churn));
        let at = |sigma| schedule.at_sigma(sigma);
        Ok(match sampling.sampler {
            SamplerKind::Ddpm => Box::new(Ddpm::over(plan, sampling.variance).clip(clip)),
            // Guidance drives x̂_0 past what pictures can be. If the clip took that away and ε̂ still answered for
            // it, each step would leave less of the picture in x_t than it should, until nothing of it remained.
            SamplerKind::Ddim => {
                Box::new(Ddim::over(plan, sampling.eta)?.clip(clip).epsilon_from_clipped(true))
            }
            SamplerKind::Euler => Box::new(Euler::new(plan).churn(churn, at)?.clip(clip)),
            SamplerKind::Heun => Box::new(Heun::new(plan).churn(churn, at)?.clip(clip)),
            SamplerKind::Dpmpp2m => Box::new(DpmSolver::new(plan).clip(clip)),
            SamplerKind::Dpmpp2mSde => Box::new(DpmSolver::new(plan).stochastic(true).clip(clip)),
            SamplerKind::UniPc => Box::new(UniPc::new(plan, 2)?.clip(clip)),
            SamplerKind::Pndm => Box::new(Pndm::new(&plan)?.clip(clip)),
        })
    }
}
