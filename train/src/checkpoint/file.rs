//! Reading and writing checkpoints.

use super::header::Header;
use super::names::step_of;
use crate::{Error, Result};
use std::path::Path;
use tweedie_nn::weights::{WeightFile, write_checked};
use tweedie_tensor::Tensor;

/// Writes a checkpoint whole or not at all.
pub(crate) fn write(path: &Path, header: &Header, tensors: &[(String, Tensor<f32>)]) -> Result<()> {
    let tensors: Vec<(&str, &Tensor<f32>)> =
        tensors.iter().map(|(name, tensor)| (&name[..], tensor)).collect();
    Ok(write_checked(path, &tensors, &header.to_metadata()?)?)
}

/// Reads a checkpoint's header, and opens it for its tensors.
pub(crate) fn read(path: &Path) -> Result<(Header, WeightFile)> {
    whole(WeightFile::read(path)?)
}

/// The header of a checkpoint that is open, whose name says no other step.
pub(crate) fn whole(file: WeightFile) -> Result<(Header, WeightFile)> {
    let path = file.path();
    let header = Header::from_metadata(file.metadata(), file.is_checked(), path)?;
    match step_of(path) {
        Some(named) if named != header.step => Err(Error::model(
            format!("is not what its name says: it is of step {}", header.step),
            path,
            "give it the name of its step, or remove it",
        )),
        _ => Ok((header, file)),
    }
}
