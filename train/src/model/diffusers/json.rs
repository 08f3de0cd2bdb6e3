//! Reading the JSON that Python writes.

use crate::{Error, Result};
use serde_json::Value;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// JSON in the place of what Python writes: infinities and NaN, which mean that a limit is not set, become null.
pub(super) fn without_infinities(text: &str) -> String {
    let mut strict = String::with_capacity(text.len());
    // Every second piece between quotes is a string; these files have no quotes within.
    for (i, piece) in text.split('"').enumerate() {
        if i > 0 {
            strict.push('"');
        }
        if i % 2 == 1 {
            strict.push_str(piece);
        } else {
            let piece = piece.replace("-Infinity", "null").replace("Infinity", "null").replace("NaN", "null");
            strict.push_str(&piece);
        }
    }
    strict
}

/// The longest file of JSON that is read.
const LONGEST: u64 = 1 << 26;

pub(super) fn read(path: &Path) -> Result<String> {
    let mut text = String::new();
    let size = File::open(path)
        .and_then(|file| file.take(LONGEST).read_to_string(&mut text))
        .map_err(Error::io("read", path))?;
    if size as u64 == LONGEST {
        let long = io::Error::new(io::ErrorKind::FileTooLarge, "it is longer than any such file");
        return Err(Error::io("read", path)(long));
    }
    if text.starts_with("version https://git-lfs") {
        let what = "a pointer of Git LFS, not the file that it stands for";
        return Err(Error::model(what, path, "run git lfs pull there"));
    }
    Ok(text)
}

pub(super) fn read_json(path: &Path) -> Result<Value> {
    serde_json::from_str(&without_infinities(&read(path)?))
        .map_err(|error| Error::model(format!("not JSON: {error}"), path, "take the file of the model again"))
}

/// The names of a folder's files, in order.
pub(super) fn folder_names(folder: &Path) -> Result<Vec<String>> {
    let entries = std::fs::read_dir(folder).map_err(Error::io("read", folder))?;
    let mut names: Vec<String> =
        entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect();
    names.sort_unstable();
    Ok(names)
}
