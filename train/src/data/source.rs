//! What a data set is.

use super::error::DataError;
use std::sync::Arc;

/// A source of labelled pictures, all of one shape: bytes, channels first.
pub trait Source: Send + Sync {
    /// The number of pictures; at least one.
    fn len(&self) -> usize;

    /// Channels (1 or 3), height and width.
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

    /// How many bytes of the set lie in memory.
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
    /// The errors of reading a picture.
    fn hold(&self) -> Result<Option<Arc<dyn Source>>, DataError> {
        Ok(None)
    }

    /// Whether there is no picture: never, in a set that [`open`](super::open()) returns.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
