//! A run before its first step, or after the last one of an earlier session.

use super::{Run, paint, validation};
use crate::checkpoint;
use crate::data::Source;
use crate::{Config, Error, Result, plan};
use std::fs;
use std::path::Path;
use tweedie_diffusion::{Schedule, TimestepSampler};
use tweedie_nn::optim::Optimizer;
use tweedie_nn::{Builder, Ema, Network};

/// What follows from a configuration and the pictures alone.
struct Parts {
    config: Config,
    schedule: Schedule,
    times: TimestepSampler,
    builder: Builder,
    network: Network,
    captions: Option<Vec<Vec<usize>>>,
}

impl Parts {
    fn of(mut config: Config, source: &dyn Source) -> Result<Parts> {
        check_batch(&config, source)?;
        config.train.validate_every.get_or_insert(validation::every(config.train.batch));
        let captions = config.model.caption.as_ref().map(|_| {
            let some = (0..paint::CAPTIONS).map(|i| source.caption(i % source.len()));
            some.collect::<Vec<_>>()
        });
        let schedule = config.diffusion.schedule()?;
        let times = TimestepSampler::new(config.diffusion.timestep_sampling, schedule.num_timesteps())?;
        let builder = Builder::new();
        let network = Network::new(&config.model, &builder)?;
        Ok(Parts { config, schedule, times, builder, network, captions })
    }
}

/// Refuses a configuration and pictures that do not fit each other, or the memory.
///
/// # Errors
/// A key of the configuration, and what to set it to.
pub(super) fn check(config: &Config, source: &dyn Source) -> Result<()> {
    if config.model.caption.is_some() && source.words().is_empty() {
        return Err(Error::config(
            "the network reads captions, and the pictures have none",
            "data.source",
            "give --data scenes, or another --preset",
        ));
    }
    let [_, height, width] = source.shape();
    let multiple = config.model.backbone.size_multiple();
    if !(height.is_multiple_of(multiple) && width.is_multiple_of(multiple)) {
        let nearest = height.min(width).next_multiple_of(multiple);
        return Err(Error::config(
            format!("pictures of {height}x{width} do not fit the network's patches and halvings"),
            "data.image_size",
            format!("give --image-size {nearest}, or another multiple of {multiple}"),
        ));
    }
    plan::check_training(config, source)
}

/// Refuses batches of more pictures than there are.
///
/// # Errors
/// The largest batch that there can be.
pub(super) fn check_batch(config: &Config, source: &dyn Source) -> Result<()> {
    if config.train.batch <= source.len() {
        return Ok(());
    }
    Err(Error::config(
        format!("a batch of {} of {} pictures", config.train.batch, source.len()),
        "train.batch",
        format!("give --batch {} or less", source.len()),
    ))
}

fn make_folders(out: &Path) -> Result<()> {
    for folder in ["checkpoints", "samples"].map(|name| out.join(name)) {
        fs::create_dir_all(&folder).map_err(Error::io("create", &folder))?;
    }
    Ok(())
}

impl Run {
    /// A run at step 0, of which nothing is on the disk.
    pub(super) fn fresh(config: Config, source: &dyn Source) -> Result<Run> {
        let Parts { config, schedule, times, builder, network, captions } = Parts::of(config, source)?;
        let params = builder.draw(config.train.seed);
        Ok(Run {
            optimizer: Optimizer::new(config.optimizer.rule, &params)?,
            ema: Ema::new(&params, config.train.ema_decay)?,
            params,
            network,
            schedule,
            times,
            captions,
            config,
            step: 0,
            earlier: 0.0,
            best: None,
        })
    }

    /// A run at step 0, in its directory.
    pub(super) fn new(config: Config, out: &Path, source: &dyn Source) -> Result<Run> {
        let run = Run::fresh(config, source)?;
        make_folders(out)?;
        run.write_config(out)?;
        Ok(run)
    }

    /// The run in a directory, after the step of its newest checkpoint.
    pub(super) fn resumed(config: Config, out: &Path, source: &dyn Source) -> Result<Run> {
        if config.train.batch > source.len() {
            return Err(Error::config(
                format!("{} pictures, fewer than the run's batch of {}", source.len(), config.train.batch),
                "data.source",
                "give the data that the run has learnt from",
            ));
        }
        let Parts { mut config, schedule, mut times, builder, network, captions } =
            Parts::of(config, source)?;
        make_folders(out)?;
        let newest = crate::model::newest_checkpoint(out)?;
        let (header, weights) = checkpoint::read(&newest)?;
        config.continues(&header.config)?;
        // The end of this time budget may have been planned already; a plan that was made is kept to.
        if config.train.steps.is_none() && config.train.time_budget == header.config.train.time_budget {
            config.train.steps = header.config.train.steps;
            config.optimizer.decay_start = header.config.optimizer.decay_start;
        }
        // A budget is for the whole run, its earlier sessions included.
        let spent = config.train.time_budget.is_some_and(|budget| budget <= header.seconds);
        if config.train.steps.is_none() && spent {
            config.train.steps = Some(header.step);
            config.optimizer.decay_start = header.config.optimizer.decay_start;
        }
        let params = checkpoint::params(&weights, checkpoint::MODEL, &builder)?;
        let average = checkpoint::params(&weights, checkpoint::EMA, &builder)?;
        let moments = checkpoint::group(&weights, checkpoint::OPTIMIZER)?;
        if weights.entries().contains_key(checkpoint::TIMES) {
            times.restore(&weights.tensor(checkpoint::TIMES)?)?;
        }
        let run = Run {
            ema: Ema::restore(average, config.train.ema_decay, header.step)?,
            optimizer: Optimizer::restore(config.optimizer.rule, &params, header.step, &moments)?,
            params,
            network,
            schedule,
            times,
            captions,
            config,
            step: header.step,
            earlier: header.seconds,
            best: checkpoint::best(out)?,
        };
        run.write_config(out)?;
        Ok(run)
    }
}
