//! A data set seen through another one: all that a view does not change is forwarded here, and nowhere else.

use super::error::DataError;
use super::index::Index;
use super::ledger::Ledger;
use super::memory::{bytes_of, read_whole};
use super::source::{Source, from_bytes};
use std::sync::Arc;
use tweedie_diffusion::plane::Units;

/// What a view changes. `of` is the set that the view is of.
pub(super) trait Change: Send + Sync + 'static {
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

    /// The same as a network sees it. A view that leaves the numbers of its pictures alone takes them from `of`.
    ///
    /// # Errors
    /// As [`Source::read`].
    fn values(&self, of: &dyn Source, index: usize, out: &mut [f32]) -> Result<usize, DataError> {
        from_bytes(out, |bytes| self.read(of, index, bytes))
    }
}

/// A set with a change.
pub(super) struct View<C> {
    pub(super) of: Arc<dyn Source>,
    pub(super) change: Arc<C>,
}

impl<C: Change> View<C> {
    /// `of`, changed.
    pub(super) fn new(of: Arc<dyn Source>, change: C) -> View<C> {
        View { of, change: Arc::new(change) }
    }
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

    fn units(&self) -> Option<Units> {
        self.of.units()
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

    fn bytes_to_hold(&self) -> u64 {
        // Captions are read one by one.
        let is_held = self.of.bytes_to_hold() > 0 && self.words().is_empty();
        if is_held { bytes_of(self) } else { 0 }
    }

    fn hold(&self) -> Result<Option<Arc<dyn Source>>, DataError> {
        match self.bytes_to_hold() {
            0 => Ok(None),
            _ => read_whole(self).map(|held| Some(Arc::new(held) as Arc<dyn Source>)),
        }
    }

    fn list(&self, index: &mut Index<'_>) -> Result<(), DataError> {
        self.of.list(index)
    }

    fn watched(&self, ledger: &Arc<Ledger>) -> Result<Option<Arc<dyn Source>>, DataError> {
        let view = |of| Arc::new(View { of, change: Arc::clone(&self.change) }) as Arc<dyn Source>;
        Ok(self.of.watched(ledger)?.map(view))
    }

    fn values(&self, index: usize, out: &mut [f32]) -> Result<usize, DataError> {
        match self.change.index(index) {
            Some(index) => self.change.values(&*self.of, index, out),
            None => Err(DataError::Index { index, pictures: self.len() }),
        }
    }

    fn read(&self, index: usize, out: &mut [u8]) -> Result<usize, DataError> {
        match self.change.index(index) {
            Some(index) => self.change.read(&*self.of, index, out),
            None => Err(DataError::Index { index, pictures: self.len() }),
        }
    }
}
