use crate::{Error, Params, Result};
use safetensors::Dtype;
use safetensors::tensor::View;
use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use tweedie_tensor::Tensor;

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
    let refuse = |why: String| Error::File { path: path.to_path_buf(), why };
    let metadata: HashMap<String, String> = metadata.clone().into_iter().collect();
    let views = tensors.iter().map(|(name, tensor)| (*name, Stored(tensor)));
    let bytes = safetensors::serialize(views, (!metadata.is_empty()).then_some(metadata))
        .map_err(|error| refuse(format!("cannot be written: {error}")))?;
    let beside = beside(path);
    write_synced(&beside, &bytes).and_then(|()| fs::rename(&beside, path)).map_err(|error| {
        // The incomplete file is of no use, and may be gone already.
        let _ = fs::remove_file(&beside);
        refuse(format!("cannot be written: {error}"))
    })?;
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        // The new name is durable once the folder is synced; not every system can sync one.
        if let Ok(folder) = File::open(folder) {
            let _ = folder.sync_all();
        }
    }
    Ok(())
}

fn write_synced(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// A name in the same folder that no two processes share.
fn beside(path: &Path) -> PathBuf {
    let mut name = std::ffi::OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(format!(".{}.part", std::process::id()));
    path.with_file_name(name)
}

struct Stored<'a>(&'a Tensor<f32>);

impl View for Stored<'_> {
    fn dtype(&self) -> Dtype {
        Dtype::F32
    }
    fn shape(&self) -> &[usize] {
        self.0.dims()
    }
    fn data(&self) -> Cow<'_, [u8]> {
        let values = self.0.as_slice();
        if cfg!(target_endian = "little") {
            Cow::Borrowed(bytemuck::cast_slice(values))
        } else {
            Cow::Owned(values.iter().flat_map(|value| value.to_le_bytes()).collect())
        }
    }
    fn data_len(&self) -> usize {
        size_of_val(self.0.as_slice())
    }
}

#[cfg(test)]
mod tests;
