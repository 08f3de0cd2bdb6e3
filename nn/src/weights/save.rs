use super::digest::{self, Digests};
use crate::files::{syncing_meanwhile, write_whole};
use crate::{Error, Params, Result};
use rayon::prelude::*;
use serde_json::{Map, Value, json};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufWriter, Seek, SeekFrom, Write};
use std::path::Path;
use tweedie_tensor::Tensor;

/// Small tensors are put together before they go to the system.
const AT_ONCE: usize = 1 << 20;

/// Writes parameters under their names.
///
/// # Errors
/// As [`write_safetensors`].
pub fn save(path: &Path, params: &Params<f32>, metadata: &BTreeMap<String, String>) -> Result<()> {
    write_safetensors(path, &params.iter().collect::<Vec<_>>(), metadata)
}

/// Writes named tensors and metadata as safetensors.
///
/// The file appears whole or not at all: it is written under a temporary name in the same folder, synced, and renamed.
///
/// # Errors
/// [`Error::File`] when the place cannot be written.
pub fn write_safetensors(
    path: &Path,
    tensors: &[(&str, &Tensor<f32>)],
    metadata: &BTreeMap<String, String>,
) -> Result<()> {
    let tensors = sorted(tensors);
    let written = write_whole(path, |file| {
        file.write_all(&header(&tensors, metadata))?;
        write_numbers(file, &tensors)
    });
    written.map_err(refused(path))
}

/// As [`write_safetensors`], with SHA-256 of each tensor's bytes and of the header in the metadata, by which
/// [`WeightFile`](super::WeightFile) knows a file that is damaged. To other readers it is a file like others.
///
/// # Errors
/// As [`write_safetensors`].
pub fn write_checked(
    path: &Path,
    tensors: &[(&str, &Tensor<f32>)],
    metadata: &BTreeMap<String, String>,
) -> Result<()> {
    let tensors = sorted(tensors);
    let described = |digests: &BTreeMap<String, String>, header_digest: String| {
        let mut metadata = metadata.clone();
        Digests { header: Some(header_digest), tensors: digests.clone() }.put(&mut metadata);
        header(&tensors, &metadata)
    };
    let written = write_whole(path, |file| {
        // Digests have one length: the header's room is known before they are.
        let unknown =
            tensors.iter().map(|(name, _)| (name.to_string(), digest::UNKNOWN.to_string())).collect();
        file.write_all(&described(&unknown, digest::UNKNOWN.to_string()))?;
        let (written, digests) = rayon::join(
            || write_numbers(file, &tensors),
            || -> BTreeMap<String, String> {
                tensors.par_iter().map(|(name, x)| (name.to_string(), digest::of(&bytes(x)))).collect()
            },
        );
        written?;
        let listed = tensors.iter().map(|(name, x)| (*name, "F32", x.dims()));
        let whole = digest::of_header(metadata, listed, &digests);
        file.seek(SeekFrom::Start(0))?;
        file.write_all(&described(&digests, whole))
    });
    written.map_err(refused(path))
}

fn refused(path: &Path) -> impl FnOnce(io::Error) -> Error {
    move |error| Error::File { path: path.to_path_buf(), why: format!("cannot be written: {error}") }
}

fn sorted<'a>(tensors: &[(&'a str, &'a Tensor<f32>)]) -> Vec<(&'a str, &'a Tensor<f32>)> {
    let mut tensors = tensors.to_vec();
    tensors.sort_by_key(|(name, _)| *name);
    tensors
}

/// What stands before the numbers: the header's length and the header, up to a multiple of eight bytes.
fn header(tensors: &[(&str, &Tensor<f32>)], metadata: &BTreeMap<String, String>) -> Vec<u8> {
    let mut listed = Map::new();
    if !metadata.is_empty() {
        listed.insert("__metadata__".to_string(), json!(metadata));
    }
    let mut start = 0;
    for (name, x) in tensors {
        let end = start + size_of_val(x.as_slice());
        let entry = json!({"dtype": "F32", "shape": x.dims(), "data_offsets": [start, end]});
        listed.insert(name.to_string(), entry);
        start = end;
    }
    let mut text = Value::Object(listed).to_string().into_bytes();
    text.resize(text.len().next_multiple_of(8), b' ');
    [&(text.len() as u64).to_le_bytes()[..], &text].concat()
}

fn write_numbers(file: &mut File, tensors: &[(&str, &Tensor<f32>)]) -> io::Result<()> {
    syncing_meanwhile(file, |file| {
        let mut file = BufWriter::with_capacity(AT_ONCE, file);
        tensors
            .iter()
            .try_for_each(|(_, x)| bytes(x).chunks(AT_ONCE).try_for_each(|part| file.write_all(part)))?;
        file.flush()
    })
}

/// The numbers as they stand in files.
fn bytes(x: &Tensor<f32>) -> Cow<'_, [u8]> {
    let values = x.as_slice();
    if cfg!(target_endian = "little") {
        Cow::Borrowed(bytemuck::cast_slice(values))
    } else {
        Cow::Owned(values.iter().flat_map(|value| value.to_le_bytes()).collect())
    }
}

#[cfg(test)]
mod tests;
