//! The groups of tensors in a checkpoint.

use super::header::Header;
use crate::{Error, Result};
use std::collections::BTreeMap;
use tweedie_diffusion::TimestepSampler;
use tweedie_nn::weights::WeightFile;
use tweedie_nn::{Builder, Params};
use tweedie_tensor::Tensor;

/// The groups, as prefixes of their names.
pub(crate) const MODEL: &str = "model.";
pub(crate) const EMA: &str = "ema.";
pub(crate) const OPTIMIZER: &str = "optimizer.";
/// The losses that loss-aware times go by.
pub(crate) const TIMES: &str = "times.losses";

/// A model's parameters as named tensors of a checkpoint, which share their numbers.
pub(crate) fn named<'a>(
    prefix: &'a str,
    params: &'a Params<f32>,
) -> impl Iterator<Item = (String, Tensor<f32>)> {
    params.iter().map(move |(name, value)| (format!("{prefix}{name}"), value.clone()))
}

/// Refuses a checkpoint whose tensors are not exactly those of its configuration, with `network` the one that it was made
/// for.
pub(crate) fn check_complete(file: &WeightFile, header: &Header, network: &Builder) -> Result<()> {
    let (config, mut expected) = (&header.config, BTreeMap::new());
    let moments = config.optimizer.rule.moments().iter().map(|moment| format!("{OPTIMIZER}{moment}."));
    let groups: Vec<String> = moments.chain([MODEL.to_string(), EMA.to_string()]).collect();
    for spec in network.specs() {
        for group in &groups {
            expected.insert(format!("{group}{}", spec.name), spec.shape.dims().to_vec());
        }
    }
    let timesteps = config.diffusion.schedule()?.num_timesteps();
    if let Some(losses) = TimestepSampler::new(config.diffusion.timestep_sampling, timesteps)?.state() {
        expected.insert(TIMES.to_string(), losses.dims().to_vec());
    }
    let entries = file.entries();
    let missing = expected.iter().find_map(|(name, shape)| match entries.get(name) {
        None => Some(format!("tensor '{name}' is missing")),
        Some(entry) if entry.shape != *shape => {
            Some(format!("tensor '{name}' has shape {:?}, not {shape:?}", entry.shape))
        }
        Some(_) => None,
    });
    let unknown = || entries.keys().find(|name| !expected.contains_key(*name));
    match missing.or_else(|| Some(format!("tensor '{}' is not of it", unknown()?))) {
        None => Ok(()),
        Some(why) => Err(Error::model(
            format!("does not hold what its configuration asks for: {why}"),
            file.path(),
            "take another checkpoint",
        )),
    }
}

/// The parameters that a network registered, from one group of a checkpoint that is complete.
pub(crate) fn params(file: &WeightFile, prefix: &str, network: &Builder) -> Result<Params<f32>> {
    let specs = network.specs();
    let values = specs.iter().map(|spec| Ok(file.tensor(&format!("{prefix}{}", spec.name))?));
    let values: Vec<Tensor<f32>> = values.collect::<Result<_>>()?;
    Ok(Params::from_specs(&specs, |index, _| values[index].clone()))
}

/// One group of a checkpoint, its names without the prefix.
pub(crate) fn group(file: &WeightFile, prefix: &str) -> Result<BTreeMap<String, Tensor<f32>>> {
    let names = file.entries().keys().filter_map(|name| Some((name, name.strip_prefix(prefix)?)));
    names.map(|(name, short)| Ok((short.to_string(), file.tensor(name)?))).collect()
}
