use crate::user_error::UserError;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// Why a data set cannot be had. Each message is one line: what is wrong, where, and what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DataError {
    /// There is nothing of that name.
    Missing {
        /// What was asked for.
        path: PathBuf,
    },
    /// The operating system refuses a file or folder.
    Unreadable {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A folder with nothing in it that could be learnt from.
    Empty {
        /// The folder.
        path: PathBuf,
        /// What it holds instead.
        beside: Option<String>,
    },
    /// A file that is not what it should be, or does not go with its neighbours.
    Malformed {
        /// What is wrong.
        what: String,
        /// The file.
        path: PathBuf,
        /// What to do.
        remedy: &'static str,
    },
    /// A line of a text that is not what it should be.
    Line {
        /// What is wrong.
        what: String,
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
        /// What to do.
        remedy: &'static str,
    },
    /// Pictures of several sizes where one is needed.
    Sizes {
        /// The first file whose size differs.
        path: PathBuf,
        /// Its width and height in pixels.
        found: [usize; 2],
        /// Width and height of the first picture.
        expected: [usize; 2],
    },
    /// A picture of another size than a model's.
    PictureSize {
        /// The file.
        path: PathBuf,
        /// Its width and height in pixels.
        found: [usize; 2],
        /// The model's.
        expected: [usize; 2],
    },
    /// An option that no data set can follow.
    Option {
        /// The option.
        name: &'static str,
        /// What it was set to.
        value: usize,
        /// What it can be.
        remedy: &'static str,
    },
    /// More pictures a step than there are.
    Batch {
        /// Pictures asked for at each step.
        batch: usize,
        /// Pictures in the data set.
        pictures: usize,
    },
    /// A picture that is not in the set.
    Index {
        /// The picture asked for.
        index: usize,
        /// Pictures in the data set.
        pictures: usize,
    },
    /// Reading ahead has ended.
    Stopped,
}

impl DataError {
    /// What to tell a person: what is wrong, where, and what to do about it.
    pub fn user_error(&self) -> UserError {
        let sized = |[width, height]: &[usize; 2]| format!("{width}x{height}");
        match self {
            DataError::Missing { path } => UserError::new(
                "no such data",
                path.display().to_string(),
                "give `glyphs`, `shapes`, `scenes`, `moons`, `swissroll`, `dino`, `checkerboard`, a folder of pictures, IDX files or \
                 CIFAR-10 batches, or a file of two columns of numbers",
            ),
            DataError::Unreadable { path, source } => UserError::new(
                format!("cannot be read ({source})"),
                path.display().to_string(),
                "check that it is there and that you may read it",
            ),
            DataError::Empty { path, beside } => UserError::new(
                format!(
                    "no pictures{}",
                    beside.as_ref().map_or(String::new(), |beside| format!(" ({beside})"))
                ),
                path.display().to_string(),
                "it must hold pictures, one subfolder of pictures per class, IDX files or CIFAR-10 batches",
            ),
            DataError::Malformed { what, path, remedy } => {
                UserError::new(what, path.display().to_string(), *remedy)
            }
            DataError::Line { what, path, line, remedy } => {
                UserError::new(what, format!("{} line {line}", path.display()), *remedy)
            }
            DataError::Sizes { path, found, expected } => UserError::new(
                format!("picture of {} among pictures of {}", sized(found), sized(expected)),
                path.display().to_string(),
                "give --image-size to resize and crop them all",
            ),
            DataError::PictureSize { path, found, expected } => UserError::new(
                format!("picture of {}, and the model's are {}", sized(found), sized(expected)),
                path.display().to_string(),
                "give --resize to crop and resize it",
            ),
            DataError::Option { name, value, remedy } => {
                UserError::new(format!("unfit {name}"), value.to_string(), *remedy)
            }
            DataError::Batch { batch, pictures } => UserError::new(
                format!("batch of {batch} pictures"),
                format!("a data set of {pictures}"),
                format!("give a --batch between 1 and {pictures}"),
            ),
            DataError::Index { index, pictures } => UserError::new(
                format!("no picture {index}"),
                format!("a data set of {pictures}"),
                "pictures are counted from 0",
            ),
            DataError::Stopped => UserError::new(
                "reading ahead has ended",
                "the loader",
                "an earlier error says why; begin again from the checkpoint",
            ),
        }
    }

    pub(super) fn unreadable(path: &Path, source: io::Error) -> DataError {
        DataError::Unreadable { path: path.to_path_buf(), source }
    }

    pub(super) fn line(path: &Path, line: usize, what: impl Into<String>, remedy: &'static str) -> DataError {
        DataError::Line { what: what.into(), path: path.to_path_buf(), line, remedy }
    }

    pub(super) fn malformed(path: &Path, what: impl Into<String>, remedy: &'static str) -> DataError {
        DataError::Malformed { what: what.into(), path: path.to_path_buf(), remedy }
    }
}

impl fmt::Display for DataError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.user_error().fmt(f)
    }
}
