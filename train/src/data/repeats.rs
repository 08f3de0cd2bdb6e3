//! Pictures that a set holds more than once, or nearly.

use crate::weights_digest::add_numbers;
use rayon::prelude::*;
use serde::Serialize;
use sha2::{Digest, Sha256};
use std::collections::HashMap;

/// Parts along each side of a picture, by whose means pictures are compared.
const PARTS: usize = 8;
/// Walsh functions that are compared first.
const FIRST: usize = 8;
/// Pictures that are compared with each other at most: the time grows with the square of their number.
const MOST: usize = 1 << 16;

/// Looks for repeated pictures among those that it is shown.
///
/// Two pictures are the same if all their numbers are. They are near if the means over each of 8 × 8 parts of them, channel by
/// channel, differ by less than a tolerance, root mean square. Such a distance of a and b is at least |⟨u, a − b⟩| for every u
/// of length 1: pictures are sorted by one such product, and only those are compared that are near by eight of them, so that
/// none is missed.
#[derive(Debug)]
pub struct Repeats {
    shape: [usize; 3],
    /// The first picture of each digest, and its label.
    seen: HashMap<[u8; 32], (usize, usize)>,
    exact: Vec<Repeat>,
    thumbs: Vec<Thumb>,
}

/// A picture that repeats another.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Repeat {
    /// Its index.
    pub picture: usize,
    /// The index of the other one.
    pub of: usize,
    /// Whether they have one label.
    pub same_class: bool,
    /// The root of the mean square by which the means of their parts differ.
    pub distance: f64,
}

/// What repeats among the pictures of a set.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Found {
    /// Each picture whose numbers are those of an earlier one, with that.
    pub exact: Vec<Repeat>,
    /// Each picture that is near one, and the same as none that was shown before it, with one that it is near.
    pub near: Vec<Repeat>,
    /// How many pictures were compared for nearness, the first ones that were shown.
    pub compared: usize,
}

/// The means of a picture's parts.
#[derive(Debug)]
struct Thumb {
    picture: usize,
    label: usize,
    /// Products with the first Walsh functions, of length 1.
    first: [f32; FIRST],
    means: Vec<f32>,
}

impl Repeats {
    /// For pictures of this shape: channels, height, width.
    pub fn new(shape: [usize; 3]) -> Repeats {
        Repeats { shape, seen: HashMap::new(), exact: Vec::new(), thumbs: Vec::new() }
    }

    /// The bytes that are kept of each picture of this shape.
    pub fn bytes_kept([channels, ..]: [usize; 3]) -> u64 {
        (size_of::<Thumb>() + channels * PARTS * PARTS * size_of::<f32>() + 2 * 48) as u64
    }

    /// Shows it picture number `picture` of class `label`: channels · height · width numbers.
    pub fn add(&mut self, picture: usize, label: usize, numbers: &[f32]) {
        let mut digest = Sha256::new();
        add_numbers(&mut digest, numbers);
        let (first, first_label) = *self.seen.entry(digest.finalize().into()).or_insert((picture, label));
        if first != picture {
            let same_class = first_label == label;
            self.exact.push(Repeat { picture, of: first, same_class, distance: 0.0 });
        } else if self.thumbs.len() < MOST {
            self.thumbs.push(Thumb::new(picture, label, numbers, self.shape));
        }
    }

    /// What repeats, with `tolerance` in the units of the numbers.
    pub fn find(mut self, tolerance: f64) -> Found {
        self.thumbs.sort_by(|a, b| a.first[0].total_cmp(&b.first[0]).then(a.picture.cmp(&b.picture)));
        let thumbs = &self.thumbs;
        let most =
            (tolerance * tolerance) as f32 * thumbs.first().map_or(0, |thumb| thumb.means.len()) as f32;
        let found: Vec<Option<Repeat>> = thumbs
            .par_iter()
            .enumerate()
            .map(|(at, thumb)| {
                let near_by_one = |other: &&Thumb| (other.first[0] - thumb.first[0]).powi(2) < most;
                let later = thumbs[at + 1..].iter().take_while(near_by_one);
                let earlier = thumbs[..at].iter().rev().take_while(near_by_one);
                // Of two that are near, the one of the greater index repeats the other.
                let candidates = earlier.chain(later).filter(|other| other.picture < thumb.picture);
                let near =
                    candidates.filter(|other| square(&thumb.first, &other.first) < most).find_map(|other| {
                        let square = square(&thumb.means, &other.means);
                        (square < most).then_some((other, square))
                    });
                near.map(|(other, square)| Repeat {
                    picture: thumb.picture,
                    of: other.picture,
                    same_class: thumb.label == other.label,
                    distance: f64::from(square / thumb.means.len() as f32).sqrt(),
                })
            })
            .collect();
        let mut near: Vec<Repeat> = found.into_iter().flatten().collect();
        near.sort_by_key(|repeat| repeat.picture);
        Found { exact: self.exact, near, compared: self.thumbs.len() }
    }
}

impl Thumb {
    fn new(picture: usize, label: usize, numbers: &[f32], [channels, height, width]: [usize; 3]) -> Thumb {
        let means = means(numbers, [channels, height, width]);
        let length = (means.len() as f32).sqrt();
        let first = std::array::from_fn(|function| {
            let signed =
                means.iter().enumerate().map(|(i, mean)| mean * walsh(function, i % (PARTS * PARTS)));
            signed.sum::<f32>() / length
        });
        Thumb { picture, label, first, means }
    }
}

/// 1 or −1: Walsh function number `function` at a part. The functions are orthogonal over the parts.
fn walsh(function: usize, part: usize) -> f32 {
    let (row, column) = (part / PARTS, part % PARTS);
    // Halves and quarters of the rows, and of the columns, by the bits of the number.
    let bits =
        [(function & 1) * (row / 4), (function >> 1 & 1) * (column / 4), (function >> 2 & 1) * (row / 2 % 2)];
    if bits.iter().sum::<usize>().is_multiple_of(2) { 1.0 } else { -1.0 }
}

/// The means over 8 × 8 parts of each channel. Sides that 8 does not divide have parts that share pixels with none, and of a side
/// below 8, several parts are one pixel.
fn means(numbers: &[f32], [channels, height, width]: [usize; 3]) -> Vec<f32> {
    let part = |side: usize, i: usize| {
        let from = i * side / PARTS;
        from..((i + 1) * side / PARTS).max(from + 1).min(side)
    };
    let mut means = Vec::with_capacity(channels * PARTS * PARTS);
    for plane in numbers.chunks_exact((height * width).max(1)).take(channels) {
        for row in 0..PARTS {
            for column in 0..PARTS {
                let (rows, columns) = (part(height, row), part(width, column));
                let count = rows.len() * columns.len();
                let sum: f32 = rows.flat_map(|y| &plane[y * width..][columns.clone()]).sum();
                means.push(sum / count as f32);
            }
        }
    }
    means
}

fn square(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use tweedie_tensor::random::{self, Purpose};

    const SHAPE: [usize; 3] = [2, 11, 9];

    fn pictures(n: usize, seed: u64) -> Vec<Vec<f32>> {
        let all = random::normal::<f32>([n, 2, 11, 9], seed, Purpose::new(128), 0, 0);
        all.as_slice().chunks_exact(2 * 11 * 9).map(<[f32]>::to_vec).collect()
    }

    fn looked(pictures: &[Vec<f32>], tolerance: f64) -> Found {
        let mut repeats = Repeats::new(SHAPE);
        pictures.iter().enumerate().for_each(|(i, picture)| repeats.add(i, i % 3, picture));
        repeats.find(tolerance)
    }

    #[test]
    fn walsh_functions_are_orthogonal() {
        for (a, b) in (0..FIRST).flat_map(|a| (0..FIRST).map(move |b| (a, b))) {
            let product: f32 = (0..64).map(|part| walsh(a, part) * walsh(b, part)).sum();
            assert_eq!(product, if a == b { 64.0 } else { 0.0 }, "{a} {b}");
        }
    }

    #[test]
    fn copies_and_near_copies_are_told_apart() {
        let mut all = pictures(20, 1);
        all.push(all[4].clone());
        all.push(all[7].iter().map(|number| number + 0.01).collect());
        let found = looked(&all, 0.02);
        let exact = Repeat { picture: 20, of: 4, same_class: false, distance: 0.0 };
        assert_eq!(found.exact, [exact]);
        let [near] = found.near[..] else { panic!("{found:?}") };
        assert_eq!((near.picture, near.of, near.same_class, found.compared), (21, 7, false, 21));
        assert!((near.distance - 0.01).abs() < 1e-5, "{near:?}");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]
        #[test]
        fn none_is_missed(n in 2usize..40, tolerance in 0.8f64..1.4, seed in any::<u64>()) {
            let all = pictures(n, seed);
            let thumbs: Vec<Vec<f32>> = all.iter().map(|picture| means(picture, SHAPE)).collect();
            let distance = |a: usize, b: usize| f64::from(square(&thumbs[a], &thumbs[b]) / thumbs[a].len() as f32).sqrt();
            let expected: Vec<usize> =
                (0..n).filter(|&picture| (0..picture).any(|other| distance(picture, other) < tolerance)).collect();
            let found: Vec<usize> = looked(&all, tolerance).near.iter().map(|repeat| repeat.picture).collect();
            prop_assert_eq!(found, expected);
        }
    }
}
