//! The run directory: configuration and checkpoints.

use super::fingerprint::{Earlier, Known};
use super::journal_state::JournalState;
use super::state::State;
use super::trainer::Trainer;
use crate::checkpoint::{self, Header, LastValidation, Score};
use crate::config::{Change, Config};
use crate::data::Source;
use crate::{Error, Result, files};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tweedie_diffusion::{Schedule, TimestepSampler};
use tweedie_nn::optim::Optimizer;
use tweedie_nn::weights::WeightFile;
use tweedie_nn::{Builder, Ema};

/// A run directory.
pub(super) struct Directory {
    path: PathBuf,
    /// The step and the score of its best checkpoint.
    best: Option<(u64, Score)>,
    /// The data of this session.
    known: Option<Known>,
    /// Whether they may be others than the run has learnt from.
    may_differ: bool,
    /// The change to these data, if they are others.
    data_change: Option<Change>,
}

/// What an earlier session left.
pub(super) struct Left {
    pub(super) state: State,
    pub(super) so_far: SoFar,
    /// How many of the changes are of earlier sessions, or have been noted.
    pub(super) earlier_changes: usize,
    /// Checkpoints that are damaged.
    pub(super) notes: Vec<String>,
}

/// What a checkpoint holds of a run beside its configuration and its tensors.
#[derive(Debug, Clone, Default)]
pub(super) struct SoFar {
    /// Seconds that the run has taken.
    pub(super) seconds: f64,
    /// The mean loss of the last steps.
    pub(super) loss: f64,
    pub(super) validation: Option<LastValidation>,
    pub(super) journal: JournalState,
    /// What sessions changed of the configuration.
    pub(super) changes: Vec<Change>,
}

impl Left {
    /// What stands before the first step of a run.
    ///
    /// # Errors
    /// As [`State::fresh`].
    pub(super) fn fresh(config: &Config, builder: &Builder) -> Result<Left> {
        let (params, schedule) = (builder.draw(config.train.seed), config.diffusion.schedule()?);
        let state = State::fresh(config, &schedule, params)?;
        Ok(Left { state, so_far: SoFar::default(), earlier_changes: 0, notes: Vec::new() })
    }
}

/// A checkpoint that was written.
pub(super) struct Saved {
    pub(super) path: PathBuf,
    /// What could not be done beside.
    pub(super) notes: Vec<String>,
}

impl Directory {
    /// The directory at `path`, whether it is there or not.
    pub(super) fn at(path: PathBuf) -> Directory {
        Directory { path, best: None, known: None, may_differ: false, data_change: None }
    }

    /// Holds `source` against the data that the run has learnt from, if it is resumed; returns the pictures to learn from, and
    /// what the user should know. Whether the run could go on with other pictures, were it allowed to, is for errors.
    ///
    /// # Errors
    /// As [`Known::of`]; another configuration.
    pub(super) fn recognise(
        &mut self,
        source: Arc<dyn Source>,
        config: &Config,
        is_resumed: bool,
        may_differ: bool,
        could_go_on: bool,
    ) -> Result<(Arc<dyn Source>, Option<String>)> {
        let header = match is_resumed {
            true => Some(checkpoint::newest(&self.path, |path| Ok(checkpoint::read(path)?.0))?.0),
            false => None,
        };
        if let Some(header) = &header {
            // What is not a matter of the pictures is named first: no other pictures would mend it.
            let of_these = |config: &Config| config.clone().resolved(&*source);
            of_these(config).check_resumes(&of_these(&header.config))?;
        }
        let fingerprint = header.as_ref().and_then(|header| header.data.as_ref());
        let run = is_resumed.then_some(&*self.path);
        let known = Known::of(source, Earlier { run, fingerprint, may_differ, could_go_on })?;
        let mut note = None;
        if let Some(header) = &header {
            note = match fingerprint {
                None => Some(
                    "the checkpoint does not say which data it has learnt from: they are not compared"
                        .to_string(),
                ),
                Some(then) if may_differ => {
                    let (from, to) = (then.to_string(), known.fingerprint.to_string());
                    let note = format!("from here on the data are {to}, whatever they were: {from}");
                    self.data_change = Some(Change { step: header.step, key: "data".to_string(), from, to });
                    Some(note)
                }
                Some(_) => None,
            };
        }
        let source = Arc::clone(&known.source);
        (self.known, self.may_differ) = (Some(known), may_differ);
        Ok((source, note))
    }

    /// Makes it, if need be, and writes the configuration; returns why that could not be written. Half-written files of
    /// processes that are gone are removed.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub(super) fn create(&self, config: &Config) -> Result<Option<Error>> {
        create_folder(&self.path)?;
        let unwritten = self.write_config(config).err();
        self.create_folders()?;
        for half in files::half_written(&self.path) {
            // It does no harm where it cannot be removed.
            let _ = fs::remove_file(half);
        }
        self.known.as_ref().map_or(Ok(()), |known| known.keep(&self.path))?;
        Ok(unwritten)
    }

    /// The folders within. They come after the configuration: a process that is killed in between leaves nothing that looks
    /// like a run without one.
    fn create_folders(&self) -> Result<()> {
        ["checkpoints", "samples"].into_iter().try_for_each(|folder| create_folder(&self.path.join(folder)))
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn metrics(&self) -> PathBuf {
        self.path.join("metrics.jsonl")
    }

    pub(super) fn write_config(&self, config: &Config) -> Result<()> {
        files::write_whole(&self.path.join("config.toml"), config.to_toml()?.as_bytes())
    }

    /// Whether no checkpoint is there.
    pub(super) fn is_without_checkpoint(&self) -> Result<bool> {
        Ok(checkpoint::steps(&self.path)?.is_empty())
    }

    /// Writes a checkpoint and removes those that need not stay. If the directory or its configuration have been removed
    /// meanwhile, they are made again.
    ///
    /// # Errors
    /// A checkpoint that cannot be written.
    pub(super) fn save<N>(&mut self, trainer: &Trainer<N>, so_far: SoFar) -> Result<Saved> {
        create_folder(&self.path)?;
        let mut notes = Vec::new();
        if !self.path.join("config.toml").exists() {
            notes.extend(self.write_config(&trainer.config).err().map(|error| error.to_string()));
        }
        self.create_folders()?;
        let step = trainer.state.step;
        let SoFar { seconds, loss, validation, journal, changes } = so_far;
        let header = Header {
            config: trainer.config.clone(),
            step,
            seconds,
            loss,
            validation,
            journal,
            data: self.known.as_ref().map(|known| known.fingerprint.clone()),
            changes,
        };
        let path = checkpoint::path_of(&self.path, step);
        checkpoint::write(&path, &header, &trainer.state.tensors())?;
        if let Some(known) = &self.known {
            // Without the digests the run is whole: they are written again at the next checkpoint.
            let _ = known.keep_again(&self.path);
        }
        self.best = checkpoint::better(self.best, step, &header);
        let best = self.best.map(|(step, _)| step);
        let pruned = checkpoint::prune(&self.path, step, trainer.config.train.keep, best);
        notes.extend(pruned.err().map(|error| error.to_string()));
        Ok(Saved { path, notes })
    }

    /// The run after the step of its newest checkpoint that is whole. `config` keeps to the end that was planned for it.
    ///
    /// # Errors
    /// No checkpoint that is whole, or one of another configuration.
    pub(super) fn resume(
        &mut self,
        config: &mut Config,
        schedule: &Schedule,
        builder: &Builder,
    ) -> Result<Left> {
        // Another configuration is no damage: an earlier checkpoint would not help.
        let read = |path: &Path| {
            let (header, weights) = checkpoint::read(path)?;
            let mut earlier = header.config.clone();
            if self.may_differ && earlier.data.classes.len() == config.data.classes.len() {
                earlier.data.classes.clone_from(&config.data.classes);
            }
            match config.check_resumes(&earlier) {
                Ok(()) => Ok(Ok((state(&header, &weights, schedule, builder)?, header))),
                Err(error) => Ok(Err(error)),
            }
        };
        let (read, notes) = checkpoint::newest(&self.path, read)?;
        let (state, header) = read?;
        config.keep_planned_end(&header.config, header.step, header.seconds);
        self.best = checkpoint::best(&self.path, header.step)?;
        let changed = config.changes_since(&header.config, header.step)?;
        let Header { seconds, loss, validation, journal, mut changes, .. } = header;
        // A checkpoint of this session, to which a run goes back, has it already.
        changes.extend(self.data_change.clone().filter(|change| !changes.contains(change)));
        let earlier_changes = changes.len();
        changes.extend(changed);
        let so_far = SoFar { seconds, loss, validation, journal, changes };
        Ok(Left { state, so_far, earlier_changes, notes })
    }
}

/// The state that a checkpoint holds.
fn state(header: &Header, weights: &WeightFile, schedule: &Schedule, builder: &Builder) -> Result<State> {
    checkpoint::check_complete(weights, header, builder)?;
    let config = &header.config;
    // Steps that were left out moved neither weights nor averages.
    let updates = header.step.saturating_sub(header.journal.skipped);
    let params = checkpoint::params(weights, checkpoint::MODEL, builder)?;
    let average = checkpoint::params(weights, checkpoint::EMA, builder)?;
    let moments = checkpoint::group(weights, checkpoint::OPTIMIZER)?;
    let mut times = TimestepSampler::new(config.diffusion.timestep_sampling, schedule.num_timesteps())?;
    if weights.entries().contains_key(checkpoint::TIMES) {
        times.restore(&weights.tensor(checkpoint::TIMES)?)?;
    }
    Ok(State {
        step: header.step,
        ema: Ema::restore(average, config.train.ema_decay, updates)?,
        optimizer: Optimizer::restore(config.optimizer.rule, &params, updates, &moments)?,
        params,
        times,
    })
}

fn create_folder(folder: &Path) -> Result<()> {
    fs::create_dir_all(folder).map_err(Error::io("create", folder))
}
