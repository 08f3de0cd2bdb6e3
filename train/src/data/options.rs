//! What can be asked of a data set.

use super::convention::Convention;
use super::error::DataError;
use crate::memory::memory_limit;
use serde::{Deserialize, Serialize};

/// Which part of a data set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Split {
    /// What models learn from.
    #[default]
    Train,
    /// What they are measured on.
    Test,
}

impl Split {
    /// `train` or `test`.
    pub fn name(self) -> &'static str {
        match self {
            Split::Train => "train",
            Split::Test => "test",
        }
    }
}

/// How a set is read, and how pictures are brought to one shape.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct DataOptions {
    /// Height and width of every picture: larger and smaller ones are cropped to their central square and
    /// resized. `None` keeps the size that the pictures have, which must then be the same for all.
    pub image_size: Option<usize>,
    /// 1 for grey, 3 for colour; `None` keeps what the data has: a folder of pictures is in colour if any
    /// of them is.
    pub channels: Option<usize>,
    /// Whose choices are followed where programs differ.
    pub convention: Convention,
    /// Whether rows are taken for columns; `None` does so where the files' names say EMNIST, which holds its pictures so.
    pub transpose: Option<bool>,
    /// Of CIFAR-100, whether the twenty coarse classes are taken instead of the hundred fine ones.
    pub coarse: bool,
    /// The most bytes of IDX files or CIFAR batches that are read as a whole; larger ones stay on the disk. `None` for half
    /// of what the process may use, at most 8 GiB.
    pub cache: Option<u64>,
}

/// IDX files and CIFAR batches up to this size are read as a whole.
const AT_ONCE: u64 = 8 << 30;

/// The largest picture side that can be asked for.
const LARGEST_SIDE: usize = 4096;

impl DataOptions {
    /// The most bytes of IDX files or CIFAR batches that are read as a whole.
    pub(super) fn most_at_once(&self) -> u64 {
        self.cache.unwrap_or_else(|| memory_limit().map_or(AT_ONCE, |limit| AT_ONCE.min(limit / 2)))
    }

    /// Whether pictures can be resized to squares of this side.
    pub(crate) fn is_size(side: usize) -> bool {
        (1..=LARGEST_SIDE).contains(&side)
    }

    /// Refuses what no data set can follow.
    ///
    /// # Errors
    /// [`DataError::Option`].
    pub(super) fn check(&self) -> Result<(), DataError> {
        if let Some(value) = self.image_size
            && !DataOptions::is_size(value)
        {
            return Err(DataError::Option { name: "image size", value, remedy: "give 1 to 4096 pixels" });
        }
        if let Some(value) = self.channels
            && value != 1
            && value != 3
        {
            return Err(DataError::Option { name: "number of channels", value, remedy: "give 1 or 3" });
        }
        Ok(())
    }
}
