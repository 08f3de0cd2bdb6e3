//! What a data set is.

use super::error::DataError;
use super::index::Index;
use super::ledger::Ledger;
use std::sync::Arc;
use tweedie_diffusion::plane::Units;

/// A source of labelled pictures, all of one shape: bytes, channels first.
pub trait Source: Send + Sync {
    /// The number of pictures; at least one.
    fn len(&self) -> usize;

    /// Channels (1 or 3; 2 for points of the plane), height and width.
    fn shape(&self) -> [usize; 3];

    /// The names of the classes; a label is an index into them.
    fn classes(&self) -> &[String];

    /// What the user should know of how the set was read: what was left out, and what was decided. A line each.
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

    /// Writes picture `index`, channels · height · width bytes, and returns its label.
    ///
    /// # Errors
    /// [`DataError::Index`] when there is no such picture; where pictures are read when they are asked for,
    /// the errors of reading one.
    ///
    /// # Panics
    /// May panic when `out` is not of the picture's length.
    fn read(&self, index: usize, out: &mut [u8]) -> Result<usize, DataError>;

    /// Writes picture `index` as a network sees it, channels · height · width numbers, and returns its label: each byte b as
    /// b / 127.5 − 1, in [−1, 1]. Points of the plane are no bytes, and have numbers of their own here.
    ///
    /// # Errors
    /// As [`Source::read`].
    ///
    /// # Panics
    /// As [`Source::read`].
    fn values(&self, index: usize, out: &mut [f32]) -> Result<usize, DataError> {
        from_bytes(out, |bytes| self.read(index, bytes))
    }

    /// The units that points were given in, where they were standardised.
    fn units(&self) -> Option<Units> {
        None
    }

    /// How many bytes of the set lie in memory.
    fn held(&self) -> u64 {
        0
    }

    /// How many bytes [`Source::hold`] would take, or a cache of all pictures; 0 where neither makes reading faster.
    fn bytes_to_hold(&self) -> u64 {
        0
    }

    /// The same set in memory, every picture of it read; `None` where that is no faster.
    ///
    /// # Errors
    /// The errors of reading a picture.
    fn hold(&self) -> Result<Option<Arc<dyn Source>>, DataError> {
        Ok(None)
    }

    /// Tells `index` what the set is made of, in few words and without reading pictures, so that a run which is resumed
    /// notices other data. A set that tells nothing is known by a few of its pictures alone.
    ///
    /// # Errors
    /// [`DataError::Unreadable`] for files that the system knows nothing of.
    fn list(&self, _index: &mut Index<'_>) -> Result<(), DataError> {
        Ok(())
    }

    /// The same set, with every file that is read held against `ledger`; `None` for a set without files. The numbers of
    /// the files in the ledger are those of their lines in [`Source::list`].
    ///
    /// # Errors
    /// A file, read at once, that does not hold what the ledger says; one that cannot be read.
    fn watched(&self, _ledger: &Arc<Ledger>) -> Result<Option<Arc<dyn Source>>, DataError> {
        Ok(None)
    }

    /// Whether there is no picture: never, in a set that [`open`](super::open()) returns.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// The numbers of the bytes that `read` writes, and what it returns.
///
/// # Errors
/// Those of `read`.
pub(super) fn from_bytes(
    out: &mut [f32],
    read: impl FnOnce(&mut [u8]) -> Result<usize, DataError>,
) -> Result<usize, DataError> {
    let mut bytes = vec![0; out.len()];
    let label = read(&mut bytes)?;
    for (value, byte) in out.iter_mut().zip(bytes) {
        *value = f32::from(byte) / 127.5 - 1.0;
    }
    Ok(label)
}
