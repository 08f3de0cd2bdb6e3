//! The files of a set that a few of them hold whole, as IDX files and CIFAR batches.

use super::error::DataError;
use super::index::{Index, name_below};
use super::ledger::{Ledger, Stamp, digest_of};
use std::fs;
use std::path::PathBuf;

/// The files that a set is read from, each with many pictures.
#[derive(Debug, Clone)]
pub(super) struct Whole {
    pub(super) root: PathBuf,
    pub(super) paths: Vec<PathBuf>,
}

impl Whole {
    /// As [`Source::list`](super::Source::list).
    pub(super) fn list(&self, index: &mut Index<'_>) -> Result<(), DataError> {
        index.files(&self.root, &self.paths, None)
    }

    /// Refuses files that do not hold what `ledger` says.
    pub(super) fn check(&self, ledger: &Ledger) -> Result<(), DataError> {
        for (number, path) in self.paths.iter().enumerate() {
            let about = fs::metadata(path).map_err(|error| DataError::unreadable(path, error))?;
            let name = || name_below(&self.root, path);
            ledger.check(number, path, Stamp::of(&about), || digest_of(path), name)?;
        }
        Ok(())
    }
}
