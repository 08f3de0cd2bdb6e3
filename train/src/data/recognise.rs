//! What a folder holds.

use super::error::DataError;
use super::options::{DataOptions, Split};
use super::parts::Part;
use super::source::Source;
use super::tree::{self, Folder};
use super::{cifar, folder, idx, reshaped};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// How deep below a folder without pictures a set of files is looked for, as in `data/MNIST/raw/`.
const DEPTH: usize = 3;

/// Opens the set in a folder.
///
/// # Errors
/// As [`super::open`].
pub(super) fn open(folder: &Path, split: Split, options: &DataOptions) -> Result<Arc<dyn Source>, DataError> {
    if !folder.exists() {
        return Err(DataError::Missing { path: folder.to_path_buf() });
    }
    if !folder.is_dir() {
        let remedy = "give the folder that the data is in";
        return Err(DataError::malformed(folder, "not a folder", remedy));
    }
    if let Some(set) = files(folder, split, options)? {
        return Ok(set);
    }
    let found = Folder::scan(folder)?;
    if found.count() > 0 {
        let transpose = options.transpose == Some(true);
        return Ok(reshaped::fit(folder::open(&found, split, options)?, options, transpose));
    }
    if let Some(part) = part(&found, split)? {
        return open(&part, split, options);
    }
    let mut places = Vec::new();
    sets(&found, DEPTH, &mut places)?;
    match places.as_slice() {
        [] => folder::open(&found, split, options),
        [one] => match files(one, split, options)? {
            Some(set) => Ok(set),
            None => folder::open(&found, split, options),
        },
        [a, b, ..] => {
            let what = format!("several data sets (in {} and {})", a.display(), b.display());
            Err(DataError::malformed(folder, what, "give the folder of one of them"))
        }
    }
}

/// The set that the files of a folder are, if they are one.
fn files(folder: &Path, split: Split, options: &DataOptions) -> Result<Option<Arc<dyn Source>>, DataError> {
    let entries = tree::entries(folder)?;
    if let Some(set) = idx::open(folder, &entries, split, options)? {
        return Ok(Some(reshaped::fit(set, options, false)));
    }
    let transpose = options.transpose == Some(true);
    let set = cifar::open(folder, &entries, split, options)?;
    Ok(set.map(|set| reshaped::fit(set, options, transpose)))
}

/// The folder of `split` among parts that hold sets of files of their own.
fn part(folder: &Folder, split: Split) -> Result<Option<PathBuf>, DataError> {
    let of = |part| folder.folders.iter().find(|folder| Part::of_name(&folder.name()) == Some(part));
    let test = of(Part::Test).or_else(|| of(Part::Validation));
    let (Some(train), Some(test)) = (of(Part::Train), test) else { return Ok(None) };
    let chosen = if split == Split::Train { train } else { test };
    Ok(holds_set(&chosen.path)?.then(|| chosen.path.clone()))
}

fn holds_set(folder: &Path) -> Result<bool, DataError> {
    let entries = tree::entries(folder)?;
    Ok(idx::are(&entries)? || cifar::are(folder, &entries))
}

/// Folders below `folder` that hold sets of files.
fn sets(folder: &Folder, depth: usize, found: &mut Vec<PathBuf>) -> Result<(), DataError> {
    for inner in &folder.folders {
        if holds_set(&inner.path)? {
            found.push(inner.path.clone());
        } else if depth > 1 {
            sets(inner, depth - 1, found)?;
        }
    }
    Ok(())
}
