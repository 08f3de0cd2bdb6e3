//! What is refused before a run begins.

use crate::cluster::{Collective, Team};
use crate::config::Config;
use crate::data::{DataOptions, Source};
use crate::plan::{check_training, fits_at, pictures_in_memory};
use crate::{Error, Result, UserError};

/// Refuses a configuration and pictures that do not fit each other, or the memory; returns the most bytes of pictures that
/// stay in it.
///
/// # Errors
/// A key of the configuration, and what to set it to.
pub(super) fn pictures(config: &Config, source: &dyn Source) -> Result<u64> {
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
        // Near the largest number there is no multiple of what is beyond any picture.
        let nearest = height.min(width).checked_next_multiple_of(multiple);
        let nearest = nearest.filter(|&side| DataOptions::is_size(side) && fits_at(config, source, side));
        return Err(Error::config(
            format!("pictures of {height}x{width} do not fit the network's patches and halvings"),
            "data.image_size",
            match nearest {
                Some(nearest) => format!("give --image-size {nearest}, or another multiple of {multiple}"),
                None => "give a smaller model.patch_size, or fewer model.block_out_channels".to_string(),
            },
        ));
    }
    check_training(config, source)?;
    pictures_in_memory(config, source)
}

/// Refuses batches of more pictures than there are.
///
/// # Errors
/// The largest batch that there can be.
pub(super) fn batch(config: &Config, source: &dyn Source) -> Result<()> {
    if config.train.batch <= source.len() {
        return Ok(());
    }
    Err(Error::config(
        format!("a batch of {} of {} pictures", config.train.batch, source.len()),
        "train.batch",
        format!("give --batch {} or less", source.len()),
    ))
}

/// Whether a batch can be learnt from `source`, without what is held out of it.
pub(super) fn fills_batch(config: &Config, source: &dyn Source) -> bool {
    let held_out = (config.data.hold_out * source.len() as f64).ceil() as usize;
    config.train.batch <= source.len().saturating_sub(held_out)
}

/// Refuses to resume with fewer pictures than a batch has: they are not those that the run has learnt from.
///
/// # Errors
/// [`Error::Config`] that asks for the run's data.
pub(super) fn resumed_batch(config: &Config, source: &dyn Source) -> Result<()> {
    if config.train.batch <= source.len() {
        return Ok(());
    }
    Err(Error::config(
        format!("{} pictures, fewer than the run's batch of {}", source.len(), config.train.batch),
        "data.source",
        "give the data that the run has learnt from",
    ))
}

/// Refuses fewer shards than ranks.
///
/// # Errors
/// The number of shards to give.
pub(super) fn team(config: &Config, team: &mut Team) -> Result<()> {
    let (shards, size) = (config.train.shards, team.size());
    if shards >= size {
        return Ok(());
    }
    let what = format!("{shards} shards of a batch on {size} ranks");
    let most = if shards == 1 { "one process" } else { &format!("{shards} ranks or fewer") };
    let remedy = format!("start {most}, or begin another run with --shards {}", size.next_power_of_two());
    Err(team.refuse(UserError::new(what, "train.shards", remedy)).into())
}
