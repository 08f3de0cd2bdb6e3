use super::batch::Batch;
use super::batch::read_flipped;
use super::error::DataError;
use super::order::Order;
use super::source::Source;
use crate::purpose;
use std::ops::Range;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};
use tweedie_tensor::random::Stream;

/// How many batches may wait: enough that a slow picture does not hold up the step.
const AHEAD: usize = 3;

/// Batches, read by a thread of their own ahead of the training step.
///
/// Sample i of step s is the picture at position s · batch + i of the run's [`Order`]; which pictures are flipped
/// is a function of (seed, position) too. So the sequence never depends on timing, and a loader that begins at
/// step s gives what one that began at 0 gives from step s on.
pub struct Loader {
    batches: Option<Receiver<Result<Batch, DataError>>>,
    reader: Option<JoinHandle<()>>,
    waited: Duration,
}

/// Which batches a [`Loader`] reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Batches {
    /// The order of the pictures, and which are mirrored, follow from it.
    pub seed: u64,
    /// Pictures of a batch.
    pub size: usize,
    /// The step whose batch is the first one.
    pub first_step: u64,
    /// Whether half of the pictures are mirrored left to right.
    pub flips: bool,
}

impl Loader {
    /// Reads batches of `source`'s pictures.
    ///
    /// # Errors
    /// [`DataError::Batch`] when a batch is of 0 pictures or the set has fewer; [`DataError::Unreadable`] when the
    /// system starts no thread.
    pub fn new(source: Arc<dyn Source>, batches: Batches) -> Result<Loader, DataError> {
        Loader::of_share(source, batches, 0..batches.size)
    }

    /// Of each batch, reads the pictures at the places `share` alone: those of one rank of several.
    ///
    /// # Errors
    /// As [`Loader::new`].
    pub(crate) fn of_share(
        source: Arc<dyn Source>,
        batches: Batches,
        share: Range<usize>,
    ) -> Result<Loader, DataError> {
        let (batch, pictures) = (batches.size, source.len());
        if batch == 0 || batch > pictures {
            return Err(DataError::Batch { batch, pictures });
        }
        let order = Order::new(batches.seed, pictures)?;
        let (send, receive) = sync_channel(AHEAD);
        let unreadable =
            |source| DataError::Unreadable { path: "the threads that read ahead".into(), source };
        // Threads of their own: those of the global pool may all be waiting for the next batch.
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(rayon::current_num_threads())
            .thread_name(|i| format!("data {i}"))
            .build()
            .map_err(|error| unreadable(std::io::Error::other(error)))?;
        let reader = thread::Builder::new()
            .name("data".to_string())
            .spawn(move || {
                pool.install(|| read_ahead(&*source, order, batches, share, &send));
            })
            .map_err(unreadable)?;
        Ok(Loader { batches: Some(receive), reader: Some(reader), waited: Duration::ZERO })
    }

    /// The next batch; waits for it if need be.
    ///
    /// # Errors
    /// The errors of reading its pictures. After one there are no more batches, only [`DataError::Stopped`].
    #[allow(clippy::should_implement_trait)]
    pub fn next(&mut self) -> Result<Batch, DataError> {
        let Some(batches) = &self.batches else { return Err(DataError::Stopped) };
        let began = Instant::now();
        let batch = batches.recv().unwrap_or(Err(DataError::Stopped));
        self.waited += began.elapsed();
        batch
    }

    /// How long [`Loader::next`] has waited for batches since this was asked last.
    pub fn take_wait(&mut self) -> Duration {
        std::mem::take(&mut self.waited)
    }
}

impl Drop for Loader {
    fn drop(&mut self) {
        // Without a receiver, the reader's next send fails, and it ends.
        self.batches = None;
        if let Some(reader) = self.reader.take() {
            // Of a reader that panicked, nothing is left to report: `next` returns `Stopped`.
            let _ = reader.join();
        }
    }
}

fn read_ahead(
    source: &dyn Source,
    mut order: Order,
    batches: Batches,
    share: Range<usize>,
    send: &SyncSender<Result<Batch, DataError>>,
) {
    let Batches { seed, size, first_step, flips } = batches;
    let mut position = first_step.saturating_mul(size as u64);
    let mut indices = Vec::with_capacity(size);
    loop {
        indices.clear();
        let first = position + share.start as u64;
        indices.extend((first..).take(share.len()).map(|k| order.index(k)));
        let flip = |place| flips && flipped(seed, first + place as u64);
        let read = read_flipped(source, &indices, flip);
        let failed = read.is_err();
        if send.send(read).is_err() || failed {
            return;
        }
        position += size as u64;
    }
}

/// Whether the sample at `position` of the run is mirrored.
fn flipped(seed: u64, position: u64) -> bool {
    Stream::new(seed, purpose::AUGMENT, 0, position).next_u32() & 1 == 1
}

#[cfg(test)]
mod tests {
    use super::super::memory::Memory;
    use super::*;

    /// Twelve pictures of two pixels; the first pixel is the index, the second its double.
    fn set() -> Arc<dyn Source> {
        let bytes = (0..12).flat_map(|i| [i, 2 * i]).collect();
        let labels = (0..12).map(|i| i % 3).collect();
        Arc::new(Memory::new([1, 1, 2], bytes, labels, ["a", "b", "c"].map(String::from).to_vec()))
    }

    fn loader(
        source: Arc<dyn Source>,
        seed: u64,
        size: usize,
        first_step: u64,
        flips: bool,
    ) -> Result<Loader, DataError> {
        Loader::new(source, Batches { seed, size, first_step, flips })
    }

    #[test]
    fn batches_follow_the_order() {
        let mut loader = loader(set(), 5, 5, 0, false).unwrap();
        let mut order = Order::new(5, 12).unwrap();
        for step in 0..6u64 {
            let batch = loader.next().unwrap();
            assert_eq!(batch.x.dims(), [5, 1, 1, 2]);
            for i in 0..5 {
                let index = order.index(step * 5 + i as u64);
                assert_eq!(batch.indices[i], index);
                assert_eq!(batch.labels[i], index % 3);
                assert_eq!(batch.x.as_slice()[2 * i], index as f32 / 127.5 - 1.0);
            }
        }
    }

    #[test]
    fn beginning_later_continues_the_sequence() {
        let mut whole = loader(set(), 1, 4, 0, true).unwrap();
        for _ in 0..7 {
            whole.next().unwrap();
        }
        let mut resumed = loader(set(), 1, 4, 7, true).unwrap();
        for _ in 0..5 {
            let (a, b) = (whole.next().unwrap(), resumed.next().unwrap());
            assert_eq!(a.indices, b.indices);
            assert_eq!(a.x.as_slice(), b.x.as_slice());
        }
    }

    #[test]
    fn a_wait_counts_once() {
        let mut loader = loader(set(), 1, 4, 0, false).unwrap();
        loader.next().unwrap();
        assert!(loader.take_wait() > Duration::ZERO);
        assert_eq!(loader.take_wait(), Duration::ZERO);
    }

    #[test]
    fn half_of_the_pictures_are_flipped() {
        let mut loader = loader(set(), 2, 12, 0, true).unwrap();
        let mut flips = 0;
        for _ in 0..100 {
            let batch = loader.next().unwrap();
            for (pair, &index) in batch.x.as_slice().chunks(2).zip(&batch.indices) {
                let pair = pair.iter().map(|x| ((x + 1.0) * 127.5).round() as usize).collect::<Vec<_>>();
                assert!(pair == [index, 2 * index] || pair == [2 * index, index]);
                flips += usize::from(index > 0 && pair[0] == 2 * index);
            }
        }
        // Of 1100, each with probability ½; the bounds are four standard deviations.
        assert!((484..616).contains(&flips), "{flips}");
    }

    #[test]
    fn unfit_batches_are_refused() {
        for batch in [0, 13] {
            let error = loader(set(), 0, batch, 0, false).err().unwrap().to_string();
            assert!(
                error.contains(&format!("batch of {batch}")) && error.contains("data set of 12"),
                "{error}"
            );
        }
    }

    struct Failing;

    impl Source for Failing {
        fn len(&self) -> usize {
            4
        }
        fn shape(&self) -> [usize; 3] {
            [1, 1, 1]
        }
        fn classes(&self) -> &[String] {
            &[]
        }
        fn read(&self, index: usize, _: &mut [u8]) -> Result<usize, DataError> {
            thread::sleep(Duration::from_millis(1));
            if index == 3 { Err(DataError::Index { index, pictures: 3 }) } else { Ok(0) }
        }
    }

    #[test]
    fn an_error_reaches_the_step_and_ends_the_sequence() {
        let mut loader = loader(Arc::new(Failing), 0, 4, 0, false).unwrap();
        assert!(matches!(loader.next(), Err(DataError::Index { index: 3, .. })));
        assert!(matches!(loader.next(), Err(DataError::Stopped)));
        assert!(matches!(loader.next(), Err(DataError::Stopped)));
    }

    #[test]
    fn dropping_a_loader_that_waits_does_not_hang() {
        let loader = loader(set(), 0, 2, 0, false).unwrap();
        thread::sleep(Duration::from_millis(20));
        drop(loader);
    }
}
