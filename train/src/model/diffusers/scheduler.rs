//! What a folder is sampled by: its scheduler, read when the folder is opened and missed only when it is needed.

use super::index::ModelIndex;
use super::json::{read, without_infinities};
use super::layout::Layout;
use super::sampler::sampler_of;
use crate::config::{SamplerKind, SamplingConfig};
use crate::{Error, Result, UserError};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use tweedie_diffusion::{Clip, PredictionKind, Schedule, SchedulerClass, SchedulerConfig};

/// Steps that are taken where nothing says how many.
const STEPS: usize = 50;

/// A folder's scheduler.
#[derive(Debug)]
pub(crate) struct FolderScheduler {
    /// Its configuration, of the class that samples; or why there is none.
    config: Result<SchedulerConfig, UserError>,
    path: PathBuf,
    /// How it comes to that class, where the files differ.
    note: Option<String>,
    /// The pipeline's class, where the folder is one's.
    pipeline: Option<String>,
    schedule: OnceLock<Schedule>,
}

impl FolderScheduler {
    /// What it says, in a text.
    pub(crate) fn described(&self) -> String {
        format!("{:?} {:?}", self.config.as_ref().ok(), self.pipeline)
    }

    /// The scheduler of a layout.
    pub(super) fn of(layout: Layout) -> FolderScheduler {
        let Layout { scheduler: path, index, .. } = layout;
        let found = index.and_then(|index| Ok((configuration(&path)?, index)));
        let (config, note, pipeline) = match found {
            Err(why) => (Err(missing(&why)), None, None),
            Ok((own, None)) => (Ok(own), None, None),
            Ok((own, Some(index))) => {
                let (class_name, note) = resolve(&index, &own);
                (Ok(SchedulerConfig { class_name, ..own }), note, Some(index.pipeline().to_string()))
            }
        };
        FolderScheduler { config, path, note, pipeline, schedule: OnceLock::new() }
    }

    /// Its configuration.
    ///
    /// # Errors
    /// A folder without one that can be read.
    pub(crate) fn config(&self) -> Result<&SchedulerConfig> {
        self.config.as_ref().map_err(|error| Error::User(error.clone()))
    }

    /// The schedule of its class.
    ///
    /// # Errors
    /// As [`FolderScheduler::config`]; a class or key that is not supported.
    pub(crate) fn schedule(&self) -> Result<&Schedule> {
        if let Some(schedule) = self.schedule.get() {
            return Ok(schedule);
        }
        let schedule = self.config()?.schedule().map_err(|error| self.placed(error.into()))?;
        Ok(self.schedule.get_or_init(|| schedule))
    }

    /// What the network predicts.
    ///
    /// # Errors
    /// As [`FolderScheduler::schedule`].
    pub(crate) fn prediction(&self) -> Result<PredictionKind> {
        self.config()?.prediction().map_err(|error| self.placed(error.into()))
    }

    /// The settings that it stands for: with `sampler`, in that one's class; else in its own.
    ///
    /// # Errors
    /// As [`FolderScheduler::schedule`].
    pub(crate) fn sampling(&self, sampler: Option<SamplerKind>) -> Result<SamplingConfig> {
        self.settings(self.config()?, sampler).map_err(|error| self.placed(error))
    }

    fn settings(&self, config: &SchedulerConfig, sampler: Option<SamplerKind>) -> Result<SamplingConfig> {
        let (sampler, config) = match sampler {
            None => (sampler_of(config)?, config.clone()),
            Some(sampler) if config.class().is_ok() => (sampler, config.clone()),
            Some(sampler) => {
                (sampler, config.of_class(SchedulerClass::of(sampler).unwrap_or(SchedulerClass::Ddim)))
            }
        };
        Ok(SamplingConfig {
            sampler,
            steps: STEPS.min(config.num_train_timesteps),
            guidance: 1.0,
            clip: match config.clip()? {
                Clip::At(range) => range,
                Clip::Off => 0.0,
                Clip::Dynamic { .. } => 1.0,
            },
            // Only DDPM's reverse step has a variance to choose.
            variance: config.variance().or_else(|error| match sampler {
                SamplerKind::Ddpm => Err(error),
                _ => Ok(SamplingConfig::default().variance),
            })?,
            ..SamplingConfig::default()
        })
    }

    /// An error about a key, with the file that it is in.
    fn placed(&self, error: Error) -> Error {
        match error {
            Error::Diffusion(error) => {
                let remedy = "correct the file, or name a sampler that can do with it (--sampler)";
                Error::model(error.to_string(), &self.path, remedy)
            }
            other => other,
        }
    }

    /// What to tell a person who samples with these settings: how the folder came to its sampler, where that was not
    /// asked for, and that it takes fewer steps than diffusers would, where their number was not.
    pub(crate) fn notes(&self, sampling: &SamplingConfig, asked: Asked) -> Vec<String> {
        let mut notes = Vec::new();
        if !asked.sampler {
            notes.extend(self.note.clone());
        }
        let all = self.config.as_ref().map_or(0, |config| config.num_train_timesteps);
        if !asked.steps && sampling.sampler == SamplerKind::Ddpm && sampling.steps < all {
            let whose = self.pipeline.as_deref().unwrap_or("a DDPM scheduler of diffusers");
            let steps = sampling.steps;
            notes.push(format!(
                "{whose} takes {all} steps where none are asked for; {steps} are taken here: --steps {all} takes them all"
            ));
        }
        notes
    }
}

/// Which settings the person who samples gave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asked {
    /// The sampler.
    pub sampler: bool,
    /// How many steps.
    pub steps: bool,
}

/// What to do about a scheduler that is needed and not there.
const REMEDY: &str =
    "sampling needs the betas that the model was trained with: put its scheduler_config.json there";

/// Why there is no scheduler, and what it would be needed for.
fn missing(error: &Error) -> UserError {
    match error {
        Error::User(error) => error.clone(),
        other => UserError { remedy: REMEDY.to_string(), ..other.user_error() },
    }
}

fn configuration(path: &Path) -> Result<SchedulerConfig> {
    if !path.is_file() {
        return Err(Error::model("no scheduler in the folder", path, REMEDY));
    }
    let keys: serde_json::Result<serde_json::Map<String, serde_json::Value>> =
        serde_json::from_str(&without_infinities(&read(path)?));
    // A key without a value is one that is not set.
    let given = keys.map(|keys| keys.into_iter().filter(|(_, value)| !value.is_null()).collect());
    given.and_then(|given| serde_json::from_value(serde_json::Value::Object(given))).map_err(|error| {
        Error::model(format!("not a scheduler's configuration: {error}"), path, "correct the file")
    })
}

/// The class of scheduler that samples, and what to say of it. `config` is the scheduler's file.
///
/// diffusers takes the class that `model_index.json` names, and two pipelines convert it to theirs. A folder whose files
/// differ was put together by hand: somebody replaced the scheduler's file, or the index's entry, and left the other as
/// the training script wrote it. So where they differ, the class that is further from what training scripts write
/// (DDPM, then DDIM and PNDM, to which pipelines convert, then all others) is what was meant; of two that are as far, the
/// index's.
fn resolve(index: &ModelIndex, config: &SchedulerConfig) -> (String, Option<String>) {
    let own = &config.class_name[..];
    let listed = index.component("scheduler");
    let converted = match index.pipeline() {
        "DDIMPipeline" => Some(SchedulerClass::Ddim.name()),
        "PNDMPipeline" => Some(SchedulerClass::Pndm.name()),
        _ => None,
    };
    let Some(there) = converted.or(listed).filter(|&there| there != own) else {
        return (own.to_string(), None);
    };
    let pipeline = index.pipeline();
    if listed.is_none_or(|listed| listed == own) && !config.is_of_flows() {
        return (there.to_string(), Some(format!("{pipeline} samples with {there}, in the place of {own}")));
    }
    let (taken, left) = match distance(own) > distance(there) {
        true => (own, there),
        false => (there, own),
    };
    let taken_from = if taken == own { "scheduler_config.json" } else { super::index::FILE };
    let note = format!(
        "{taken}, the class of {taken_from}, samples, and not {left}; diffusers' {pipeline} would take {there}; --sampler \
         names another"
    );
    (taken.to_string(), Some(note))
}

/// How far a class is from what training scripts write.
fn distance(class: &str) -> usize {
    let order = [SchedulerClass::Ddpm, SchedulerClass::Ddim, SchedulerClass::Pndm].map(SchedulerClass::name);
    order.iter().position(|&name| name == class).unwrap_or(order.len())
}
