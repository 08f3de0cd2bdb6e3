//! Some pictures of a data set.

use super::error::DataError;
use super::source::Source;
use super::view::{Change, View};
use std::sync::Arc;

/// The pictures of `source` at `indices`, in that order.
pub fn subset(source: &Arc<dyn Source>, indices: Vec<usize>) -> Arc<dyn Source> {
    Arc::new(View::new(Arc::clone(source), Chosen(indices)))
}

/// The pictures of a subset, by their numbers in the whole set.
struct Chosen(Vec<usize>);

impl Change for Chosen {
    fn len(&self, _: &dyn Source) -> usize {
        self.0.len()
    }

    fn index(&self, index: usize) -> Option<usize> {
        self.0.get(index).copied()
    }

    fn values(&self, of: &dyn Source, index: usize, out: &mut [f32]) -> Result<usize, DataError> {
        of.values(index, out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::memory::Memory;

    #[test]
    fn a_subset_has_its_own_numbers_and_the_labels_of_the_whole() {
        let whole: Arc<dyn Source> =
            Arc::new(Memory::new([1, 1, 1], vec![5, 6, 7], vec![0, 1, 0], vec!["a".into(), "b".into()]));
        let part = subset(&whole, vec![2, 1]);
        let mut out = [0];
        assert_eq!((part.read(0, &mut out).unwrap(), out), (0, [7]));
        assert_eq!((part.read(1, &mut out).unwrap(), out), (1, [6]));
        assert!(matches!(part.read(2, &mut out), Err(DataError::Index { index: 2, pictures: 2 })));
        assert_eq!(part.classes(), whole.classes());
    }
}
