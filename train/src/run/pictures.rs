//! Which pictures a run learns from, and which it leaves out for validation.

use crate::config::Config;
use crate::data::{self, DataOptions, Source, Split};
use crate::{Error, Result, purpose};
use std::sync::Arc;
use tweedie_tensor::random::Stream;

/// Which pictures are held out does not depend on a run's seed, so that runs of any seed hold out the same.
const SEED: u64 = 0;

/// The pictures of a run.
pub(super) struct Pictures {
    /// What it learns from.
    pub(super) learnt: Arc<dyn Source>,
    /// What it validates on, if there is anything.
    pub(super) held_out: Option<Arc<dyn Source>>,
    /// What the user should know of how they were read: a line each.
    pub(super) notes: Vec<String>,
}

impl Pictures {
    /// The pictures of `whole`, up to `most` bytes of them in memory where that is worth it: without those held out, where the configuration asks for
    /// it; else with the test part of the data that the configuration names, if `whole` is of these and they have one.
    ///
    /// # Errors
    /// A picture that cannot be read; a share that leaves nothing to learn from.
    pub(super) fn of(config: &Config, whole: Arc<dyn Source>, is_named: bool, most: u64) -> Result<Pictures> {
        let (whole, kept) = data::keep(whole, most)?;
        let mut notes = whole.notes().to_vec();
        notes.extend(kept);
        let data = &config.data;
        if data.hold_out > 0.0 {
            let [learnt, held_out] = split(&whole, data.hold_out)?;
            return Ok(Pictures { learnt, held_out: Some(held_out), notes });
        }
        if !is_named || data.split != Split::Train || config.train.validate_every == Some(0) {
            return Ok(Pictures { learnt: whole, held_out: None, notes });
        }
        let [channels, ..] = whole.shape();
        let options = DataOptions { channels: Some(channels), ..data.options() };
        let held_out = match data::open(&data.source, Split::Test, &options) {
            Ok(test) if test.shape() != whole.shape() || test.words() != whole.words() => {
                notes.push("no validation: the test part has pictures of another form".to_string());
                None
            }
            Ok(test) => Some(test).filter(|test| !is_same(&**test, &*whole)),
            Err(error) => {
                notes.push(format!("no validation: {error}"));
                None
            }
        };
        Ok(Pictures { learnt: whole, held_out, notes })
    }
}

/// Whether two sets are one, as the parts of data without a test part are: as many pictures, and the same ones wherever one
/// looks.
fn is_same(a: &dyn Source, b: &dyn Source) -> bool {
    let (len, each) = (a.len(), a.shape().iter().product());
    let (mut from_a, mut from_b) = (vec![0; each], vec![0; each]);
    len == b.len()
        && (0..16.min(len)).all(|i| {
            let index = i * len / 16.min(len);
            let read = [a.read(index, &mut from_a).is_ok(), b.read(index, &mut from_b).is_ok()];
            read == [true; 2] && from_a == from_b
        })
}

/// The set in two: what is left to learn from, and the `share` of it, at least one picture, that is held out.
///
/// # Errors
/// A share that leaves nothing to learn from.
fn split(whole: &Arc<dyn Source>, share: f64) -> Result<[Arc<dyn Source>; 2]> {
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
