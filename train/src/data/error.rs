use std::io;
use std::path::{Path, PathBuf};

/// Why a data set cannot be had. Each message is one line: what is wrong, where, and what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DataError {
    /// There is nothing of that name.
    #[error(
        "no such data, {}: give `glyphs`, `shapes`, `scenes`, or a folder of pictures, IDX files or CIFAR-10 batches",
        .path.display()
    )]
    Missing {
        /// What was asked for.
        path: PathBuf,
    },
    /// The operating system refuses a file or folder.
    #[error("cannot be read ({source}), {}: check that it is there and that you may read it", .path.display())]
    Unreadable {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A folder with nothing in it that could be learnt from.
    #[error(
        "no pictures{}, {}: it must hold pictures, one subfolder of pictures per class, IDX files or CIFAR-10 \
         batches",
        .beside.as_ref().map(|beside| format!(" ({beside})")).unwrap_or_default(), .path.display()
    )]
    Empty {
        /// The folder.
        path: PathBuf,
        /// What it holds instead.
        beside: Option<String>,
    },
    /// A file that is not what it should be, or does not go with its neighbours.
    #[error("{what}, {}: {remedy}", .path.display())]
    Malformed {
        /// What is wrong.
        what: String,
        /// The file.
        path: PathBuf,
        /// What to do.
        remedy: &'static str,
    },
    /// Pictures of several sizes where one is needed.
    #[error(
        "picture of {}x{} among pictures of {}x{}, {}: give --image-size to resize and crop them all",
        .found[0], .found[1], .expected[0], .expected[1], .path.display()
    )]
    Sizes {
        /// The first file whose size differs.
        path: PathBuf,
        /// Its width and height in pixels.
        found: [usize; 2],
        /// Width and height of the first picture.
        expected: [usize; 2],
    },
    /// A picture of another size than a model's.
    #[error(
        "picture of {}x{}, and the model's are {}x{}, {}: give --resize to crop and resize it",
        .found[0], .found[1], .expected[0], .expected[1], .path.display()
    )]
    PictureSize {
        /// The file.
        path: PathBuf,
        /// Its width and height in pixels.
        found: [usize; 2],
        /// The model's.
        expected: [usize; 2],
    },
    /// An option that no data set can follow.
    #[error("unfit {name}, {value}: {remedy}")]
    Option {
        /// The option.
        name: &'static str,
        /// What it was set to.
        value: usize,
        /// What it can be.
        remedy: &'static str,
    },
    /// More pictures a step than there are.
    #[error("batch of {batch} pictures, a data set of {pictures}: give a --batch between 1 and {pictures}")]
    Batch {
        /// Pictures asked for at each step.
        batch: usize,
        /// Pictures in the data set.
        pictures: usize,
    },
    /// A picture that is not in the set.
    #[error("no picture {index}, a data set of {pictures}: pictures are counted from 0")]
    Index {
        /// The picture asked for.
        index: usize,
        /// Pictures in the data set.
        pictures: usize,
    },
    /// Reading ahead has ended.
    #[error(
        "reading ahead has ended, the loader: an earlier error says why; begin again from the checkpoint"
    )]
    Stopped,
}

impl DataError {
    pub(super) fn unreadable(path: &Path, source: io::Error) -> DataError {
        DataError::Unreadable { path: path.to_path_buf(), source }
    }

    pub(super) fn malformed(path: &Path, what: impl Into<String>, remedy: &'static str) -> DataError {
        DataError::Malformed { what: what.into(), path: path.to_path_buf(), remedy }
    }
}
