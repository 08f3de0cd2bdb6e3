//! The run directory: configuration and checkpoints.

use super::journal_state::JournalState;
use super::state::State;
use super::trainer::Trainer;
use crate::checkpoint::{self, Header};
use crate::config::Config;
use crate::model::newest_checkpoint;
use crate::{Error, Result, files};
use std::fs;
use std::path::{Path, PathBuf};
use tweedie_diffusion::{Schedule, TimestepSampler};
use tweedie_nn::optim::Optimizer;
use tweedie_nn::{Builder, Ema};
use tweedie_tensor::Tensor;

/// A run directory.
pub(super) struct Directory {
    path: PathBuf,
    /// The step and the loss of its best checkpoint.
    best: Option<(u64, f64)>,
}

/// What an earlier session left.
pub(super) struct Left {
    pub(super) state: State,
    /// Seconds that the run has taken.
    pub(super) seconds: f64,
}

impl Directory {
    /// The directory at `path`, whether it is there or not.
    pub(super) fn at(path: PathBuf) -> Directory {
        Directory { path, best: None }
    }

    /// Makes it, if need be, and writes the configuration into it.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub(super) fn create(&self, config: &Config) -> Result<()> {
        for folder in ["checkpoints", "samples"].map(|name| self.path.join(name)) {
            fs::create_dir_all(&folder).map_err(Error::io("create", &folder))?;
        }
        self.write_config(config)
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

    /// Writes a checkpoint and removes those that need not stay; returns its path.
    pub(super) fn save<N>(&mut self, trainer: &Trainer<N>, seconds: f64, loss: f64) -> Result<PathBuf> {
        let State { step, params, ema, optimizer, times } = &trainer.state;
        let header = Header {
            config: trainer.config.clone(),
            step: *step,
            seconds,
            loss,
            validation: None,
            journal: JournalState::default(),
            changes: Vec::new(),
        };
        let path = checkpoint::path_of(&self.path, *step);
        let times = times.state();
        let tensors: Vec<(String, &Tensor<f32>)> = checkpoint::named(checkpoint::MODEL, params)
            .chain(checkpoint::named(checkpoint::EMA, ema.params()))
            .chain(
                optimizer
                    .state(params)
                    .map(|(name, value)| (format!("{}{name}", checkpoint::OPTIMIZER), value)),
            )
            .chain(times.iter().map(|losses| (checkpoint::TIMES.to_string(), losses)))
            .collect();
        checkpoint::write(&path, &header, &tensors)?;
        if self.best.is_none_or(|(_, best)| loss < best) {
            self.best = Some((*step, loss));
        }
        checkpoint::prune(&self.path, trainer.config.train.keep, self.best.map(|(step, _)| step))?;
        Ok(path)
    }

    /// The run after the step of its newest checkpoint. `config` keeps to the end that was planned for it.
    ///
    /// # Errors
    /// No checkpoint, one that is damaged, or one of another configuration.
    pub(super) fn resume(
        &mut self,
        config: &mut Config,
        schedule: &Schedule,
        builder: &Builder,
    ) -> Result<Left> {
        let (header, weights) = checkpoint::read(&newest_checkpoint(&self.path)?)?;
        config.check_resumes(&header.config)?;
        config.keep_planned_end(&header.config, header.step, header.seconds);
        let params = checkpoint::params(&weights, checkpoint::MODEL, builder)?;
        let average = checkpoint::params(&weights, checkpoint::EMA, builder)?;
        let moments = checkpoint::group(&weights, checkpoint::OPTIMIZER)?;
        let mut times = TimestepSampler::new(config.diffusion.timestep_sampling, schedule.num_timesteps())?;
        if weights.entries().contains_key(checkpoint::TIMES) {
            times.restore(&weights.tensor(checkpoint::TIMES)?)?;
        }
        let state = State {
            step: header.step,
            ema: Ema::restore(average, config.train.ema_decay, header.step)?,
            optimizer: Optimizer::restore(config.optimizer.rule, &params, header.step, &moments)?,
            params,
            times,
        };
        self.best = checkpoint::best(&self.path)?;
        Ok(Left { state, seconds: header.seconds })
    }
}
