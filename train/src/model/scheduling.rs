use super::diffusers::sampler;
use super::diffusers::scheduler::{Asked, FolderScheduler};
use crate::Result;
use crate::config::{SamplerKind, SamplingConfig};
use tweedie_diffusion::{PredictionKind, Sampler, Schedule, Times};

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
    /// The conventions of a diffusers folder's scheduler, where it has one that can be used.
    Diffusers(Box<FolderScheduler>),
}

impl Scheduling {
    /// All of it in a text, wherever its files lie.
    pub(super) fn described(&self) -> String {
        match self {
            Scheduling::Own { .. } => format!("{self:?}"),
            Scheduling::Diffusers(scheduler) => scheduler.described(),
        }
    }

    /// Notes for a person who samples with these settings, `asked` being the ones that the person gave: a line each.
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
    pub(super) fn times(&self, sampling: &SamplingConfig) -> Result<Times> {
        Ok(sampling.sampler.times(self.schedule()?, sampling.steps, sampling.spacing)?)
    }

    /// The sampler with these settings, at the model's own times.
    pub(super) fn sampler(&self, sampling: &SamplingConfig) -> Result<Box<dyn Sampler<f32> + Send>> {
        match self {
            Scheduling::Own { .. } => Ok(sampling.settings().build(&self.times(sampling)?)?),
            Scheduling::Diffusers(scheduler) => sampler::sampler(scheduler.config()?, sampling),
        }
    }
}
