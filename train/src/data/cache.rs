//! Pictures that stay in memory once they were decoded.

use super::error::DataError;
use super::source::Source;
use super::view::{Change, View};
use std::sync::Arc;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

/// What a picture takes beside its bytes: its place in the cache, and what the allocator adds.
pub(super) const BESIDE: u64 = 64;

/// `source`, the first pictures of which that are read stay in memory: as many as `most` bytes have room for.
///
/// An epoch reads every picture once, in an order of its own: of two pictures in memory neither is needed sooner than the
/// other, so that replacing one gains nothing.
pub(super) fn cached(source: Arc<dyn Source>, most: u64) -> Arc<dyn Source> {
    let each = source.shape().iter().map(|&side| side as u64).product::<u64>();
    let room = usize::try_from(most / (each + BESIDE)).unwrap_or(usize::MAX).min(source.len());
    let pictures = if room > 0 { source.len() } else { 0 };
    let pictures = (0..pictures).map(|_| OnceLock::new()).collect();
    Arc::new(View::new(source, Cache { pictures, room: AtomicUsize::new(room) }))
}

struct Cache {
    pictures: Vec<OnceLock<Picture>>,
    /// How many more there is room for.
    room: AtomicUsize,
}

struct Picture {
    label: usize,
    bytes: Box<[u8]>,
}

impl Change for Cache {
    fn read(&self, of: &dyn Source, index: usize, out: &mut [u8]) -> Result<usize, DataError> {
        let place = self.pictures.get(index);
        if let Some(picture) = place.and_then(OnceLock::get) {
            out.copy_from_slice(&picture.bytes);
            return Ok(picture.label);
        }
        let label = of.read(index, out)?;
        let take =
            || self.room.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |room| room.checked_sub(1));
        if let Some(place) = place
            && take().is_ok()
            && place.set(Picture { label, bytes: out.to_vec().into_boxed_slice() }).is_err()
        {
            // Another thread has read the same picture at the same time.
            self.room.fetch_add(1, Ordering::Relaxed);
        }
        Ok(label)
    }
}

#[cfg(test)]
mod tests {
    use super::super::index::Index;
    use super::super::memory::Memory;
    use super::*;

    /// Counts what is read of ten pictures of four pixels.
    struct Counting {
        set: Memory,
        read: AtomicUsize,
    }

    impl Source for Counting {
        fn len(&self) -> usize {
            self.set.len()
        }
        fn shape(&self) -> [usize; 3] {
            self.set.shape()
        }
        fn classes(&self) -> &[String] {
            self.set.classes()
        }
        fn list(&self, index: &mut Index<'_>) -> Result<(), DataError> {
            index.drawn("counting", 1);
            Ok(())
        }
        fn read(&self, index: usize, out: &mut [u8]) -> Result<usize, DataError> {
            self.read.fetch_add(1, Ordering::Relaxed);
            self.set.read(index, out)
        }
    }

    #[test]
    fn the_first_pictures_that_fit_stay_and_all_are_as_without_a_cache() {
        for (room, again) in [(0, 10), (1, 9), (4, 6), (10, 0), (99, 0)] {
            let labels = (0..10).map(|i| i % 3).collect();
            let set =
                Memory::new([1, 2, 2], (0..40).collect(), labels, ["a", "b", "c"].map(String::from).to_vec());
            let counting = Arc::new(Counting { set, read: AtomicUsize::new(0) });
            let cached = cached(counting.clone(), room * (4 + BESIDE));
            let mut bytes = [0; 4];
            for epoch in 0..3 {
                for i in 0..10 {
                    let index = (7 * i + epoch) % 10;
                    let label = cached.read(index, &mut bytes).unwrap();
                    let first = 4 * index as u8;
                    assert_eq!((label, bytes), (index % 3, [first, first + 1, first + 2, first + 3]));
                }
            }
            assert_eq!(counting.read.load(Ordering::Relaxed), 10 + 2 * again, "room for {room}");
            assert!(matches!(cached.read(10, &mut bytes), Err(DataError::Index { .. })));
        }
    }
}
