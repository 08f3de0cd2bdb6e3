//! Data sets: sources of labelled pictures, the order in which a run sees them, and the loader that reads them
//! ahead of the training step.
//!
//! Whatever a set is kept in, a picture is bytes, channels first, and has a label. Which picture is sample k of
//! a run, and whether it is flipped, are pure functions of (seed, k): see [`Order`] and [`Loader`].

mod batch;
mod bounds;
mod cifar;
mod convention;
mod decode;
mod error;
mod fitted;
mod folder;
mod glyphs;
mod idx;
mod loader;
mod memory;
mod notes;
mod numbers;
mod order;
mod parts;
mod picture;
mod pillow;
mod recognise;
mod shapes;
mod tree;
mod whole;

pub use batch::{Batch, read_batch};
pub use convention::Convention;
pub use error::DataError;
pub use glyphs::Glyphs;
pub use loader::Loader;
pub use memory::Memory;
pub use order::Order;
pub use picture::read_picture;
pub use shapes::{Marks, Scenes, Shapes, marks};

use serde::{Deserialize, Serialize};
use std::path::Path;
use std::sync::Arc;

/// A source of labelled pictures, all of one shape: bytes, channels first.
pub trait Source: Send + Sync {
    /// The number of pictures; at least one.
    fn len(&self) -> usize;

    /// Channels (1 or 3), height and width.
    fn shape(&self) -> [usize; 3];

    /// The names of the classes; a label is an index into them.
    fn classes(&self) -> &[String];

    /// What a person should know of how the set was read: what was left out, and what was decided.
    fn notes(&self) -> &[String] {
        &[]
    }

    /// The words that captions are made of; none for a set without captions.
    fn words(&self) -> &[String] {
        &[]
    }

    /// The most words that a caption has.
    fn caption_length(&self) -> usize {
        0
    }

    /// The caption of picture `index`: the numbers of its words in [`Source::words`], counted from 1. Empty where there
    /// are no captions.
    fn caption(&self, _index: usize) -> Vec<usize> {
        Vec::new()
    }

    /// Writes picture `index`, channels · height · width bytes, and answers its label.
    ///
    /// # Errors
    /// [`DataError::Index`] when there is no such picture; where pictures are read when they are asked for,
    /// whatever reading one can meet.
    ///
    /// # Panics
    /// May panic when `out` is not of the picture's length.
    fn read(&self, index: usize, out: &mut [u8]) -> Result<usize, DataError>;

    /// How many bytes of it lie in memory.
    fn held(&self) -> u64 {
        0
    }

    /// How many bytes [`Source::hold`] would take; 0 where it does nothing.
    fn bytes_to_hold(&self) -> u64 {
        0
    }

    /// The same set in memory, every picture of it read; `None` where that is no faster, or too much.
    ///
    /// # Errors
    /// Whatever reading a picture can meet.
    fn hold(&self) -> Result<Option<Memory>, DataError> {
        Ok(None)
    }

    /// Whether there is no picture: never, in a set that [`open`] answers.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

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
}

/// The largest picture side that can be asked for.
const LARGEST_SIDE: usize = 4096;

impl DataOptions {
    fn check(&self) -> Result<(), DataError> {
        if let Some(value) = self.image_size
            && !(1..=LARGEST_SIDE).contains(&value)
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

/// Opens a data set: `glyphs`, `shapes` or `scenes`, drawn by the program, or a folder. What a folder holds is recognised
/// by looking:
///
/// 1. IDX files (`train-images-idx3-ubyte`, `t10k-labels-idx1-ubyte` and their like, gzipped or not);
/// 2. CIFAR-10 or CIFAR-100 binary batches (`data_batch_1.bin`, …, `test_batch.bin`; `train.bin`, `test.bin`);
/// 3. one folder of either kind below it, where there are no pictures;
/// 4. `train/` and `test/` (or `val/`) folders: the split chooses between them;
/// 5. pictures in folders, at whatever depth, whose names in alphabetical order are the classes; in the order of numbers
///    if all are numbers;
/// 6. pictures, all of one class.
///
/// The last two have no splits: training and test set are then the same pictures. [`Source::notes`] says what was left
/// out and what was decided.
///
/// # Errors
/// A [`DataError`] that names the file or folder, what is wrong with it and what to do.
pub fn open(data: &str, split: Split, options: &DataOptions) -> Result<Arc<dyn Source>, DataError> {
    options.check()?;
    let source: Arc<dyn Source> = match data {
        "glyphs" => Arc::new(Glyphs::new(split, options.image_size.unwrap_or(Glyphs::SIDE))),
        "scenes" => Arc::new(Scenes::new(split, options.image_size.unwrap_or(Scenes::SIDE))),
        "shapes" => Arc::new(Shapes::new(split, options.image_size.unwrap_or(Shapes::SIDE))),
        folder => return recognise::open(Path::new(folder), split, options),
    };
    Ok(fitted::fit(source, options, options.transpose == Some(true)))
}

/// The set in memory where it is read from files and not too large, for who reads every picture many times.
///
/// # Errors
/// Whatever reading a picture can meet.
pub fn hold(source: Arc<dyn Source>) -> Result<Arc<dyn Source>, DataError> {
    Ok(match source.hold()? {
        Some(held) => Arc::new(held),
        None => source,
    })
}

/// Opens one picture, of any format that folders of pictures can hold, as a data set of its own.
///
/// # Errors
/// A [`DataError`] when it cannot be read, or an option cannot be followed.
pub fn open_picture(path: &Path, options: &DataOptions) -> Result<Arc<dyn Source>, DataError> {
    options.check()?;
    folder::open_picture(path, options)
}
