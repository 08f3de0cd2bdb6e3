//! The groups of tensors in a checkpoint.

use crate::{Error, Result};
use std::collections::BTreeMap;
use tweedie_nn::weights::WeightFile;
use tweedie_nn::{Builder, Params};
use tweedie_tensor::Tensor;

/// The groups, as prefixes of their names.
pub(crate) const MODEL: &str = "model.";
pub(crate) const EMA: &str = "ema.";
pub(crate) const OPTIMIZER: &str = "optimizer.";
/// The losses that loss-aware times go by.
pub(crate) const TIMES: &str = "times.losses";

/// A model's parameters as named tensors of a checkpoint.
pub(crate) fn named<'a>(
    prefix: &'a str,
    params: &'a Params<f32>,
) -> impl Iterator<Item = (String, &'a Tensor<f32>)> {
    params.iter().map(move |(name, value)| (format!("{prefix}{name}"), value))
}

/// The parameters that a network registered, from one group of a checkpoint.
pub(crate) fn params(file: &WeightFile, prefix: &str, network: &Builder) -> Result<Params<f32>> {
    let specs = network.specs();
    let mut values = Vec::with_capacity(specs.len());
    for spec in &specs {
        let name = format!("{prefix}{}", spec.name);
        let value: Tensor<f32> = file.tensor(&name)?;
        if *value.shape() != spec.shape {
            return Err(Error::model(
                format!("tensor '{name}' has shape {}, not {}", value.shape(), spec.shape),
                file.path(),
                "the checkpoint's own configuration does not fit its weights; take another checkpoint",
            ));
        }
        values.push(value);
    }
    Ok(Params::from_specs(&specs, |index, _| values[index].clone()))
}

/// One group of a checkpoint, its names without the prefix.
pub(crate) fn group(file: &WeightFile, prefix: &str) -> Result<BTreeMap<String, Tensor<f32>>> {
    let names = file.entries().keys().filter_map(|name| Some((name, name.strip_prefix(prefix)?)));
    names.map(|(name, short)| Ok((short.to_string(), file.tensor(name)?))).collect()
}
