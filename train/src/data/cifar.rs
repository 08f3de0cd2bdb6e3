//! CIFAR-10 in its binary version (Krizhevsky 2009): records of one label byte and 32x32 pixels as a red, a green
//! and a blue plane; the names of the classes in `batches.meta.txt`.

use super::{DataError, Memory, Split};
use std::fs;
use std::path::{Path, PathBuf};

const SHAPE: [usize; 3] = [3, 32, 32];
const PIXELS: usize = 3 * 32 * 32;
const RECORD: usize = 1 + PIXELS;
const NAMES: [&str; 10] =
    ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"];

/// The set of `split`, if `files` (all files of `folder`) are CIFAR-10 batches.
pub(super) fn open(folder: &Path, files: &[PathBuf], split: Split) -> Result<Option<Memory>, DataError> {
    let named = |prefix: &str| -> Vec<&PathBuf> {
        let fits = |name: &str| name.starts_with(prefix) && name.ends_with(".bin");
        files.iter().filter(|path| path.file_name().and_then(|n| n.to_str()).is_some_and(fits)).collect()
    };
    let (train, test) = (named("data_batch"), named("test_batch"));
    if train.is_empty() && test.is_empty() {
        return Ok(None);
    }
    let batches = if split == Split::Train { train } else { test };
    if batches.is_empty() {
        let what = format!("no CIFAR-10 batch of the {} split", split.name());
        let remedy = "put data_batch_1.bin to data_batch_5.bin and test_batch.bin there";
        return Err(DataError::malformed(folder, what, remedy));
    }
    let classes = class_names(folder)?;
    let (mut bytes, mut labels) = (Vec::new(), Vec::new());
    for path in batches {
        let batch = fs::read(path).map_err(|error| DataError::unreadable(path, error))?;
        if batch.is_empty() || batch.len() % RECORD != 0 {
            let what =
                format!("CIFAR-10 batch of {} bytes, not a multiple of the record's {RECORD}", batch.len());
            return Err(DataError::malformed(path, what, "download it again"));
        }
        for (i, record) in batch.chunks_exact(RECORD).enumerate() {
            let label = usize::from(record[0]);
            if label >= classes.len() {
                let what = format!("label {label} in record {i}, where there are {} classes", classes.len());
                return Err(DataError::malformed(path, what, "download it again"));
            }
            labels.push(label);
            bytes.extend_from_slice(&record[1..]);
        }
    }
    Ok(Some(Memory::new(SHAPE, bytes, labels, classes)))
}

fn class_names(folder: &Path) -> Result<Vec<String>, DataError> {
    let path = folder.join("batches.meta.txt");
    if !path.exists() {
        return Ok(NAMES.map(String::from).to_vec());
    }
    let text = fs::read_to_string(&path).map_err(|error| DataError::unreadable(&path, error))?;
    let names: Vec<String> =
        text.lines().map(str::trim).filter(|l| !l.is_empty()).map(String::from).collect();
    if names.is_empty() {
        return Err(DataError::malformed(&path, "no class names", "write one a line, or remove the file"));
    }
    Ok(names)
}
