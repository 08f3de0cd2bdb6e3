//! What a run is configured with: a preset, a file over it, single keys over both.

use super::place::Place;
use crate::args::TrainArgs;
use crate::error::{Failure, Result};
use std::fs;
use tweedie_train::Config;
use tweedie_train::config::DataConfig;

/// How long a run trains when nothing says so: three minutes, in seconds.
const TIME_BUDGET: f64 = 180.0;

/// The pictures that the command line asks for, before the rest of the configuration is known.
///
/// # Errors
/// A file that cannot be read, or a key that means nothing.
pub(super) fn data(args: &TrainArgs) -> Result<DataConfig> {
    let preset = args.preset.as_deref().map_or_else(|| Ok(Config::default()), Config::preset)?;
    let mut config = match file(args)? {
        Some((text, place)) => preset.overlaid_with(&text, &place)?,
        None => preset,
    };
    given(&mut config, args)?;
    Ok(config.data)
}

/// The configuration that the command line asks for. A run that is gone on with keeps its own, but for what is given.
///
/// # Errors
/// A file or data that cannot be read, a key that means nothing, a preset that does not exist.
pub(super) fn config(
    args: &TrainArgs,
    seed: Option<u64>,
    data: &DataConfig,
    place: &Place,
) -> Result<Config> {
    let starts_anew = args.data.is_some() || args.preset.is_some() || args.config.is_some();
    let mut config = match starts_anew {
        false if args.resume => Config::from_file(&place.out.join("config.toml"))?,
        _ => base(args, data)?,
    };
    given(&mut config, args)?;
    if let Some(batch) = args.batch {
        config.train.batch = batch as usize;
    }
    if let Some(seed) = seed {
        config.train.seed = seed;
    }
    if let Some(every) = args.checkpoint_every {
        config.train.checkpoint_every = every;
    }
    limit(&mut config, args);
    Ok(config)
}

/// The preset that was asked for, else the one that suits the data; and the file over it.
fn base(args: &TrainArgs, data: &DataConfig) -> Result<Config> {
    let preset = match &args.preset {
        Some(name) => Config::preset(name)?,
        None => {
            let pictures = tweedie_train::data::open(&data.source, data.split, &data.options())?;
            Config::preset(Config::preset_for(&*pictures))?
        }
    };
    match file(args)? {
        Some((text, place)) => Ok(preset.overlaid_with(&text, &place)?),
        None => Ok(preset),
    }
}

/// The text of `--config`, and what errors call it.
fn file(args: &TrainArgs) -> Result<Option<(String, String)>> {
    let Some(path) = &args.config else { return Ok(None) };
    let place = format!("--config {}", path.display());
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some((text, place))),
        Err(error) => Err(Failure::user(format!("cannot read, {place}: {error}: give a file of TOML"))),
    }
}

/// Single keys, and the options that choose pictures.
fn given(config: &mut Config, args: &TrainArgs) -> Result<()> {
    for setting in &args.set {
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
