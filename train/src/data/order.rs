use super::error::DataError;
use crate::purpose;
use tweedie_tensor::random::Stream;

/// Which picture is sample k of a run: each epoch is a permutation of the whole set, and the permutation is a
/// pure function of (seed, epoch). Samples are counted from the run's beginning, so a run that stops and resumes
/// sees what it would have seen.
///
/// ```
/// use tweedie_train::data::Order;
/// let mut order = Order::new(0, 10)?;
/// let epoch: Vec<usize> = (20..30).map(|k| order.index(k)).collect();
/// assert_eq!(Order::new(0, 10)?.index(27), epoch[7]);
/// # Ok::<(), tweedie_train::data::DataError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Order {
    seed: u64,
    epoch: u64,
    permutation: Vec<usize>,
}

impl Order {
    /// The order of a set of `pictures` pictures.
    ///
    /// # Errors
    /// [`DataError::Index`] when the set is empty.
    pub fn new(seed: u64, pictures: usize) -> Result<Order, DataError> {
        if pictures == 0 {
            return Err(DataError::Index { index: 0, pictures });
        }
        Ok(Order { seed, epoch: 0, permutation: permutation(seed, 0, pictures) })
    }

    /// The picture that is sample `position` of the run. Any position may be asked for at any time; within one
    /// epoch, and so from each to the next, it costs a look-up.
    pub fn index(&mut self, position: u64) -> usize {
        let pictures = self.permutation.len() as u64;
        let epoch = position / pictures;
        if epoch != self.epoch {
            self.permutation = permutation(self.seed, epoch, self.permutation.len());
            self.epoch = epoch;
        }
        self.permutation[(position % pictures) as usize]
    }
}

fn permutation(seed: u64, epoch: u64, pictures: usize) -> Vec<usize> {
    Stream::new(seed, purpose::ORDER, epoch, 0).permutation(pictures)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]
        #[test]
        fn each_epoch_is_a_permutation(seed: u64, pictures in 1usize..200, epoch in 0u64..50) {
            let mut order = Order::new(seed, pictures)?;
            let first = epoch * pictures as u64;
            let mut seen: Vec<usize> = (first..first + pictures as u64).map(|k| order.index(k)).collect();
            seen.sort_unstable();
            prop_assert!(seen.into_iter().eq(0..pictures));
        }

        #[test]
        fn random_access_equals_sequential(seed: u64, pictures in 1usize..50, at in prop::collection::vec(0u64..300, 1..20)) {
            let mut order = Order::new(seed, pictures)?;
            let sequence: Vec<usize> = (0..300).map(|k| order.index(k)).collect();
            for k in at {
                prop_assert_eq!(order.index(k), sequence[k as usize]);
            }
        }
    }

    #[test]
    fn epochs_and_seeds_differ() {
        let epoch = |seed, first: u64| -> Vec<usize> {
            let mut order = Order::new(seed, 100).unwrap();
            (first..first + 100).map(|k| order.index(k)).collect()
        };
        assert_ne!(epoch(0, 0), epoch(0, 100));
        assert_ne!(epoch(0, 0), epoch(1, 0));
        assert!(Order::new(0, 0).is_err());
    }
}
