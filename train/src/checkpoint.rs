//! Everything that a run is, at one step, in one safetensors file.

use crate::{Config, Error, Result};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use tweedie_nn::weights::{WeightFile, write_safetensors};
use tweedie_nn::{Builder, Params};
use tweedie_tensor::Tensor;

/// The groups of tensors in a checkpoint, as prefixes of their names.
pub(crate) const MODEL: &str = "model.";
pub(crate) const EMA: &str = "ema.";
pub(crate) const OPTIMIZER: &str = "optimizer.";
/// The losses that loss-aware times go by.
pub(crate) const TIMES: &str = "times.losses";

/// What a checkpoint says beside its tensors.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Header {
    /// The resolved configuration.
    pub(crate) config: Config,
    /// Steps done. The data position and every random number follow from it.
    pub(crate) step: u64,
    /// Seconds of training so far.
    pub(crate) seconds: f64,
    /// The mean loss of the last steps.
    pub(crate) loss: f64,
}

/// The file of a step.
pub(crate) fn path_of(run: &Path, step: u64) -> PathBuf {
    run.join("checkpoints").join(format!("step-{step:08}.safetensors"))
}

/// Writes a checkpoint whole or not at all.
pub(crate) fn write(path: &Path, header: &Header, tensors: &[(String, &Tensor<f32>)]) -> Result<()> {
    let metadata = BTreeMap::from([
        ("format".to_string(), "tweedie-checkpoint-1".to_string()),
        ("config".to_string(), header.config.to_toml()?),
        ("step".to_string(), header.step.to_string()),
        ("seconds".to_string(), header.seconds.to_string()),
        ("loss".to_string(), header.loss.to_string()),
    ]);
    let tensors: Vec<(&str, &Tensor<f32>)> =
        tensors.iter().map(|(name, tensor)| (&name[..], *tensor)).collect();
    Ok(write_safetensors(path, &tensors, &metadata)?)
}

/// Reads a checkpoint.
pub(crate) fn read(path: &Path) -> Result<(Header, WeightFile)> {
    let file = WeightFile::read(path)?;
    let field = |name: &str| {
        file.metadata().get(name).ok_or_else(|| {
            Error::model(
                format!("not a checkpoint of this program: it has no '{name}'"),
                path,
                "give a run directory, one of its checkpoints, or a diffusers folder",
            )
        })
    };
    let damaged = || Error::model("the checkpoint's header is damaged", path, "take an earlier checkpoint");
    let header = Header {
        config: Config::from_toml(field("config")?, &path.display().to_string())?,
        step: field("step")?.parse().map_err(|_| damaged())?,
        seconds: field("seconds")?.parse().map_err(|_| damaged())?,
        loss: field("loss")?.parse().map_err(|_| damaged())?,
    };
    Ok((header, file))
}

/// The steps that a run has checkpoints of, oldest first.
pub(crate) fn steps(run: &Path) -> Result<Vec<u64>> {
    let folder = run.join("checkpoints");
    let entries = match fs::read_dir(&folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(Error::io("read", &folder)(error)),
    };
    let mut steps: Vec<u64> = entries
        .filter_map(|entry| {
            let name = entry.ok()?.file_name().into_string().ok()?;
            name.strip_prefix("step-")?.strip_suffix(".safetensors")?.parse().ok()
        })
        .collect();
    steps.sort_unstable();
    Ok(steps)
}

/// The step of the checkpoint with the lowest loss, and that loss; none where none can be read.
pub(crate) fn best(run: &Path) -> Result<Option<(u64, f64)>> {
    let losses = steps(run)?.into_iter().filter_map(|step| {
        let (header, _) = read(&path_of(run, step)).ok()?;
        Some((step, header.loss))
    });
    Ok(losses.min_by(|a, b| a.1.total_cmp(&b.1)))
}

/// Removes all but the newest `keep` checkpoints and `best`.
pub(crate) fn prune(run: &Path, keep: usize, best: Option<u64>) -> Result<()> {
    let steps = steps(run)?;
    for &step in &steps[..steps.len().saturating_sub(keep)] {
        if Some(step) != best {
            let path = path_of(run, step);
            fs::remove_file(&path).map_err(Error::io("remove", &path))?;
        }
    }
    Ok(())
}

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
