//! Reading, writing and removing checkpoints.

use super::header::Header;
use super::names::{path_of, steps};
use crate::{Error, Result};
use std::fs;
use std::path::Path;
use tweedie_nn::weights::{WeightFile, write_safetensors};
use tweedie_tensor::Tensor;

/// Writes a checkpoint whole or not at all.
pub(crate) fn write(path: &Path, header: &Header, tensors: &[(String, &Tensor<f32>)]) -> Result<()> {
    let tensors: Vec<(&str, &Tensor<f32>)> =
        tensors.iter().map(|(name, tensor)| (&name[..], *tensor)).collect();
    Ok(write_safetensors(path, &tensors, &header.to_metadata()?)?)
}

/// Reads a checkpoint.
pub(crate) fn read(path: &Path) -> Result<(Header, WeightFile)> {
    let file = WeightFile::read(path)?;
    let header = Header::from_metadata(file.metadata(), path)?;
    Ok((header, file))
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
