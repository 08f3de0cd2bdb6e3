//! What a run is configured with: a preset, a file over it, single keys over both.

use super::place::Place;
use crate::args::TrainArgs;
use crate::error::{Failure, Result};
use std::sync::Arc;
use tweedie_train::Config;
use tweedie_train::config::DataConfig;
use tweedie_train::data::Source;

/// How long a run trains when nothing says so: three minutes, in seconds.
const TIME_BUDGET: f64 = 180.0;

/// What the command line asks for; the file of `--config` is read once, as it may be a pipe.
pub(super) struct Recipe<'a> {
    args: &'a TrainArgs,
    /// The text of `--config`, and what errors call it.
    file: Option<(String, String)>,
}

impl Recipe<'_> {
    /// The recipe that the command line gives.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub(super) fn read(args: &TrainArgs) -> Result<Recipe<'_>> {
        Ok(Recipe { args, file: file(args)? })
    }

    /// The data that are asked for, before the rest of the configuration is known.
    ///
    /// # Errors
    /// A key that means nothing, a preset that does not exist.
    pub(super) fn data(&self) -> Result<DataConfig> {
        let preset = self.args.preset.as_deref().map_or_else(|| Ok(Config::default()), Config::preset)?;
        let mut config = self.with_file(preset)?;
        // The data may decide on the preset, and that on what the other keys mean.
        given(&mut config, self.args, |setting| setting.trim_start().starts_with("data"))?;
        Ok(config.data)
    }

    /// The text of `--config`.
    pub(super) fn file(&self) -> Option<&str> {
        self.file.as_ref().map(|(text, _)| &**text)
    }

    /// The configuration that is asked for of a job of so many `ranks`, and the data that it names, opened once. A run that is resumed keeps its
    /// configuration, but for what is given.
    ///
    /// # Errors
    /// Data that cannot be read, a key that means nothing, a preset that does not exist, a value that no run can use.
    pub(super) fn config_and_source(
        &self,
        seed: Option<u64>,
        data: &DataConfig,
        place: &Place,
        ranks: usize,
    ) -> Result<(Config, Arc<dyn Source>)> {
        let args = self.args;
        let mut opened = None;
        let base = match (args.resume, &args.preset) {
            (true, preset) => {
                let run = place.config()?;
                preset.as_ref().map_or_else(|| Ok(run.clone()), |name| run.with_preset(name))?
            }
            (false, Some(name)) => Config::preset(name)?,
            (false, None) => {
                // The data decide on the preset.
                let source = opened.insert(open(data)?);
                Config::preset(Config::preset_for(&**source))?
            }
        };
        let mut config = self.with_file(base)?;
        given(&mut config, args, |_| true)?;
        if let Some(batch) = args.batch {
            config.train.batch = batch as usize;
        }
        if let Some(shards) = args.shards {
            config.train.shards = shards as usize;
        } else if !args.resume {
            config.train.shards = config.train.shards.max(ranks.next_power_of_two());
        }
        if let Some(precision) = args.precision {
            config.train.precision = precision.into();
        }
        if let Some(seed) = seed {
            config.train.seed = seed;
        }
        if let Some(every) = args.checkpoint_every {
            config.train.checkpoint_every = every;
        }
        limit(&mut config, args);
        config.check()?;
        let source = match opened {
            Some(source) => source,
            None => open(&config.data)?,
        };
        Ok((config, source))
    }

    /// `base`, with the file of `--config` over it.
    fn with_file(&self, base: Config) -> Result<Config> {
        match &self.file {
            Some((text, place)) => Ok(base.overlaid_with(text, place)?),
            None => Ok(base),
        }
    }
}

/// The pictures that a configuration names.
pub(super) fn open(data: &DataConfig) -> Result<Arc<dyn Source>> {
    Ok(tweedie_train::data::open(&data.source, data.split, &data.options())?)
}

/// The text of `--config`, and what errors call it.
fn file(args: &TrainArgs) -> Result<Option<(String, String)>> {
    let Some(path) = &args.config else { return Ok(None) };
    let place = format!("--config {}", path.display());
    match tweedie_train::files::read_text(path) {
        Ok(text) => Ok(Some((text, place))),
        Err(error) => Err(Failure::user(format!("cannot read ({error})"), place, "give a file of TOML")),
    }
}

/// Single keys, of which those that `counts` says, and the options that choose pictures.
fn given(config: &mut Config, args: &TrainArgs, counts: impl Fn(&str) -> bool) -> Result<()> {
    for setting in args.set.iter().filter(|setting| counts(setting)) {
        config.set(setting)?;
    }
    if let Some(data) = &args.data {
        config.data.source = data.clone();
    }
    if let Some(split) = args.split {
        config.data.split = split.into();
    }
    if let Some(side) = args.image_size {
        config.data.image_size = Some(side as usize);
    }
    Ok(())
}

/// When it ends: what is given replaces what the preset, or the run before, had.
fn limit(config: &mut Config, args: &TrainArgs) {
    let train = &mut config.train;
    if args.steps.is_some() || args.time_budget.is_some() {
        train.steps = args.steps;
        train.time_budget = args.time_budget.map(|time| time.as_secs_f64());
        // A decay that was planned for another end does not fit this one; for a time budget it is planned on the way.
        let start = &mut config.optimizer.decay_start;
        *start = start.filter(|start| args.steps.is_some_and(|steps| *start <= steps));
    } else if train.steps.is_none() && train.time_budget.is_none() {
        train.time_budget = Some(TIME_BUDGET);
    }
}
