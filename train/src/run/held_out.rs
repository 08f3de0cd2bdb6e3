//! Pictures that training leaves out.

use crate::data::{self, Source};
use crate::purpose;
use crate::{Error, Result};
use std::sync::Arc;
use tweedie_tensor::random::Stream;

/// Which pictures are held out does not depend on a run's seed, so that runs of any seed hold out the same.
const SEED: u64 = 0;

/// The set in two: what is left to learn from, and the `share` of it, at least one picture, that is held out.
///
/// # Errors
/// A share that leaves nothing to learn from.
pub(super) fn split(whole: &Arc<dyn Source>, share: f64) -> Result<[Arc<dyn Source>; 2]> {
    let pictures = whole.len();
    let held = ((share * pictures as f64).round() as usize).max(1);
    if held >= pictures {
        return Err(Error::config(
            format!("a share of {share} of {pictures} pictures leaves none to learn from"),
            "data.hold_out",
            "give a smaller share, or 0",
        ));
    }
    let mut held_out = Stream::new(SEED, purpose::HOLD_OUT, 0, 0).permutation(pictures);
    let mut learnt = held_out.split_off(held);
    Ok([&mut learnt, &mut held_out].map(|indices| {
        indices.sort_unstable();
        data::subset(whole, std::mem::take(indices))
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Memory;

    fn set(pictures: u8) -> Arc<dyn Source> {
        let labels = vec![0; usize::from(pictures)];
        Arc::new(Memory::new([1, 1, 1], (0..pictures).collect(), labels, vec!["a".into()]))
    }

    fn pictures(part: &dyn Source) -> Vec<u8> {
        let mut out = [0];
        (0..part.len())
            .map(|index| {
                part.read(index, &mut out).unwrap();
                out[0]
            })
            .collect()
    }

    #[test]
    fn every_picture_is_learnt_from_or_held_out() {
        let [learnt, held_out] = split(&set(40), 0.1).unwrap().map(|part| pictures(&*part));
        assert_eq!(held_out.len(), 4);
        let mut all = [learnt, held_out].concat();
        all.sort_unstable();
        assert_eq!(all, (0..40).collect::<Vec<u8>>());
    }

    #[test]
    fn one_is_held_out_of_few_and_one_must_stay() {
        assert_eq!(split(&set(3), 0.01).unwrap()[1].len(), 1);
        assert!(split(&set(1), 0.01).err().unwrap().to_string().contains("data.hold_out"));
    }
}
