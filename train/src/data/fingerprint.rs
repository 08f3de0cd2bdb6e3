//! What a run knows its data again by.

use super::error::DataError;
use super::index::{Index, hex};
use super::source::Source;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fmt;

/// Pictures whose pixels count, spread evenly over the set: decoders differ between versions of the program.
const SAMPLED: usize = 16;

/// What a data set is, in few bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fingerprint {
    /// The number of pictures.
    pub pictures: usize,
    /// Channels, height and width.
    pub shape: [usize; 3],
    /// The number of classes.
    pub classes: usize,
    /// SHA-256 of the names, sizes and labels of its files in their order; `None` for a set that does not tell.
    pub index: Option<String>,
    /// SHA-256 of the pixels, labels and captions of sixteen pictures.
    pub sample: String,
}

/// In what two data sets differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Differs {
    /// Number, form or classes of the pictures, or what the set is made of.
    Index,
    /// Only what the pictures decode to.
    Pixels,
}

/// The digest of what `source` tells of itself, and the number of lines of it, which go to `each` one by one; `None` for a
/// set that tells nothing.
///
/// # Errors
/// As [`Source::list`].
pub fn index_of(
    source: &dyn Source,
    each: &mut dyn FnMut(&str),
) -> Result<Option<(String, usize)>, DataError> {
    let mut lines = 0;
    let mut counted = |line: &str| {
        lines += 1;
        each(line);
    };
    let mut index = Index::new(&mut counted);
    source.list(&mut index)?;
    Ok(index.finish().map(|digest| (digest, lines)))
}

impl Fingerprint {
    /// The fingerprint of `source`.
    ///
    /// # Errors
    /// As [`Source::list`]; the errors of reading a picture.
    pub fn of(source: &dyn Source) -> Result<Fingerprint, DataError> {
        let index = index_of(source, &mut |_| {})?;
        Fingerprint::with_index(source, index.map(|(digest, _)| digest))
    }

    /// The fingerprint of `source`, whose index is known.
    ///
    /// # Errors
    /// The errors of reading a picture.
    pub fn with_index(source: &dyn Source, index: Option<String>) -> Result<Fingerprint, DataError> {
        Ok(Fingerprint {
            pictures: source.len(),
            shape: source.shape(),
            classes: source.classes().len(),
            index,
            sample: sample(source)?,
        })
    }

    /// What of this set differs from `other`, if anything does.
    pub fn difference(&self, other: &Fingerprint) -> Option<Differs> {
        let index = |of: &Fingerprint| Fingerprint { sample: String::new(), ..of.clone() };
        match () {
            () if index(self) != index(other) => Some(Differs::Index),
            () if self.sample != other.sample => Some(Differs::Pixels),
            () => None,
        }
    }
}

impl fmt::Display for Fingerprint {
    /// The number of pictures, and the beginnings of the digests.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let start = |digest: &str| digest.chars().take(8).collect::<String>();
        let index = self.index.as_deref().map_or("none".to_string(), start);
        write!(f, "{} pictures, index {index}, pixels {}", self.pictures, start(&self.sample))
    }
}

fn sample(source: &dyn Source) -> Result<String, DataError> {
    let n = source.len();
    let sampled = SAMPLED.min(n);
    let mut bytes = vec![0; source.shape().iter().product()];
    let mut digest = Sha256::new();
    for index in (0..sampled).map(|i| (i as u128 * n as u128 / sampled as u128) as usize) {
        let label = source.read(index, &mut bytes)?;
        digest.update((label as u64).to_le_bytes());
        digest.update(&bytes);
        for word in source.caption(index) {
            digest.update((word as u64).to_le_bytes());
        }
    }
    Ok(hex(&digest.finalize()))
}

#[cfg(test)]
mod tests {
    use super::super::memory::Memory;
    use super::super::{Glyphs, Shapes, Split};
    use super::*;

    fn of(source: &dyn Source) -> Fingerprint {
        Fingerprint::of(source).unwrap()
    }

    #[test]
    fn sets_of_one_form_are_told_apart() {
        let set =
            |bytes: Vec<u8>, labels| Memory::new([1, 1, 1], bytes, labels, vec!["a".into(), "b".into()]);
        let first = of(&set(vec![1, 2], vec![0, 1]));
        assert_eq!(first.difference(&of(&set(vec![1, 2], vec![0, 1]))), None);
        assert_eq!(first.difference(&of(&set(vec![1, 3], vec![0, 1]))), Some(Differs::Pixels));
        assert_eq!(first.difference(&of(&set(vec![1, 2], vec![0, 0]))), Some(Differs::Pixels));
        assert_eq!(first.difference(&of(&set(vec![1, 2, 3], vec![0, 1, 1]))), Some(Differs::Index));
    }

    #[test]
    fn drawn_sets_are_told_apart_by_their_index() {
        let (train, test) = (of(&Glyphs::new(Split::Train, 28)), of(&Glyphs::new(Split::Test, 28)));
        assert_eq!(train.difference(&test), Some(Differs::Index));
        let shapes = of(&Shapes::new(Split::Train, 28));
        assert_ne!(train.index, shapes.index);
        let text = serde_json::to_string(&train).unwrap();
        assert_eq!(serde_json::from_str::<Fingerprint>(&text).unwrap(), train);
    }
}
