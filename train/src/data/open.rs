//! From a name or a path to a data set.

use super::error::DataError;
use super::glyphs::Glyphs;
use super::options::{DataOptions, Split};
use super::shapes::{Scenes, Shapes};
use super::source::Source;
use super::{cache, folder, points, recognise, reshaped};
use crate::memory::memory_limit;
use std::path::Path;
use std::sync::Arc;

/// Opens a data set: `glyphs`, `shapes` or `scenes`, drawn by the program; points of the plane, `moons`, `swissroll`, `dino` or
/// `checkerboard`, or a text file of two columns; or a folder. What a folder holds is recognised by looking:
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
    if let Some(points) = points::open(data, split, options)? {
        return Ok(points);
    }
    options.check()?;
    let source: Arc<dyn Source> = match data {
        "glyphs" => Arc::new(Glyphs::new(split, options.image_size.unwrap_or(Glyphs::SIDE))),
        "scenes" => Arc::new(Scenes::new(split, options.image_size.unwrap_or(Scenes::SIDE))),
        "shapes" => Arc::new(Shapes::new(split, options.image_size.unwrap_or(Shapes::SIDE))),
        folder => return recognise::open(Path::new(folder), split, options),
    };
    Ok(reshaped::fit(source, options, options.transpose == Some(true)))
}

/// Sets up to this many bytes are read before a run begins, and not on the way.
const HELD: u64 = 4 << 30;

/// The bytes of pictures that are held in memory where nothing is known of what else is to be: half of what the process may
/// use, and not more than 4 GiB.
pub fn usually_held() -> u64 {
    memory_limit().map_or(HELD, |limit| HELD.min(limit / 2))
}

/// The set in memory where it is read from files and not too large, for who reads every picture many times.
///
/// # Errors
/// The errors of reading a picture.
pub fn hold(source: Arc<dyn Source>) -> Result<Arc<dyn Source>, DataError> {
    match source.bytes_to_hold() <= usually_held() {
        true => Ok(source.hold()?.unwrap_or(source)),
        false => Ok(source),
    }
}

/// The set in memory, as much of it as `most` bytes have room for, where it is read from files; what is kept changes no bit
/// of any picture. A set that fits is read at once, if it is not larger than 4 GiB; else pictures stay as they are read. Also
/// returns what the user should know of it.
///
/// # Errors
/// The errors of reading a picture.
pub fn keep(source: Arc<dyn Source>, most: u64) -> Result<(Arc<dyn Source>, Option<String>), DataError> {
    let all = source.bytes_to_hold();
    if all == 0 {
        return Ok((source, None));
    }
    if all <= most.min(HELD) {
        return Ok((source.hold()?.unwrap_or(source), None));
    }
    let pictures = source.len();
    let with_places = all.saturating_add(cache::BESIDE.saturating_mul(pictures as u64));
    let note = (most < with_places).then(|| {
        format!(
            "the pictures take {} MiB when they are decoded: the first {} MiB that are read stay in memory, the others are \
             decoded again in each epoch (data.cache_mib sets how many)",
            all.div_ceil(1 << 20),
            most >> 20
        )
    });
    Ok((cache::cached(source, most), note))
}

/// Opens one picture, of any format that folders of pictures can hold, as a data set of its own.
///
/// # Errors
/// A [`DataError`] when it cannot be read, or an option cannot be followed.
pub fn open_picture(path: &Path, options: &DataOptions) -> Result<Arc<dyn Source>, DataError> {
    options.check()?;
    folder::open_picture(path, options)
}
