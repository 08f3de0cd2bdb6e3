//! A data set seen through another one: all that a view does not change is forwarded here, and nowhere else.

use super::error::DataError;
use super::source::Source;
use std::sync::Arc;

/// What a view changes. `of` is the set that the view is of.
pub(super) trait Change: Send + Sync {
    /// The number of pictures.
    fn len(&self, of: &dyn Source) -> usize {
        of.len()
    }

    /// Channels, height and width.
    fn shape(&self, of: &dyn Source) -> [usize; 3] {
        of.shape()
    }

    /// The number that picture `index` has in the set that the view is of; `None` where there is no such picture.
    fn index(&self, index: usize) -> Option<usize> {
        Some(index)
    }

    /// Writes picture `index` of `of`, changed, and returns its label.
    ///
    /// # Errors
    /// As [`Source::read`].
    fn read(&self, of: &dyn Source, index: usize, out: &mut [u8]) -> Result<usize, DataError> {
        of.read(index, out)
    }
}

/// A set with a change.
pub(super) struct View<C> {
    pub(super) of: Arc<dyn Source>,
    pub(super) change: C,
}

impl<C: Change> Source for View<C> {
    fn len(&self) -> usize {
        self.change.len(&*self.of)
    }

    fn shape(&self) -> [usize; 3] {
        self.change.shape(&*self.of)
    }

    fn classes(&self) -> &[String] {
        self.of.classes()
    }

    fn notes(&self) -> &[String] {
        self.of.notes()
    }

    fn words(&self) -> &[String] {
        self.of.words()
    }

    fn caption_length(&self) -> usize {
        self.of.caption_length()
    }

    fn caption(&self, index: usize) -> Vec<usize> {
        self.change.index(index).map_or_else(Vec::new, |index| self.of.caption(index))
    }

    fn held(&self) -> u64 {
        self.of.held()
    }

    fn read(&self, index: usize, out: &mut [u8]) -> Result<usize, DataError> {
        match self.change.index(index) {
            Some(index) => self.change.read(&*self.of, index, out),
            None => Err(DataError::Index { index, pictures: self.len() }),
        }
    }
}
