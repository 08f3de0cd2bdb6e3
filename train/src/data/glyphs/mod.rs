//! Handwritten digits, drawn by the program: a data set that needs no download.

mod curve;
mod hand;
mod pen;
mod skeletons;

use super::error::DataError;
use super::index::Index;
use super::options::Split;
use super::source::Source;
use crate::purpose;
use tweedie_tensor::random::Stream;

/// Which pictures are drawn: one more with each change of any.
const VERSION: u32 = 1;

/// Digits as people write them, white on black. Every picture is a pure function of (split, index, side), and is
/// drawn when it is read. Habit, slant, turn, proportion, size, place, stroke width, pressure and the waver of the
/// hand vary; the digit is index mod 10.
#[derive(Debug, Clone)]
pub struct Glyphs {
    split: Split,
    side: usize,
    classes: Vec<String>,
}

impl Glyphs {
    /// Height and width in pixels, unless another is asked for.
    pub const SIDE: usize = 28;

    /// 60,000 digits to train on, or 10,000 others to test with, of `side` by `side` pixels.
    pub fn new(split: Split, side: usize) -> Glyphs {
        Glyphs { split, side, classes: (0..10).map(|digit| digit.to_string()).collect() }
    }
}

impl Source for Glyphs {
    fn len(&self) -> usize {
        match self.split {
            Split::Train => 60_000,
            Split::Test => 10_000,
        }
    }

    fn shape(&self) -> [usize; 3] {
        [1, self.side, self.side]
    }

    fn classes(&self) -> &[String] {
        &self.classes
    }

    fn list(&self, index: &mut Index<'_>) -> Result<(), DataError> {
        index.drawn(&format!("glyphs, {}", self.split.name()), VERSION);
        Ok(())
    }

    fn read(&self, index: usize, out: &mut [u8]) -> Result<usize, DataError> {
        if index >= self.len() {
            return Err(DataError::Index { index, pictures: self.len() });
        }
        let digit = index % 10;
        let mut stream = Stream::new(0, purpose::GLYPH, self.split as u64, index as u64);
        let habits = skeletons::DIGITS[digit];
        let habit = habits[stream.below(habits.len() as u32) as usize];
        let writing = hand::write(habit, self.side, &mut stream);
        let mut ink = vec![0.0; self.side * self.side];
        for stroke in &writing.strokes {
            pen::draw(stroke, writing.soft, self.side, &mut ink);
        }
        for (byte, ink) in out.iter_mut().zip(ink) {
            *byte = (255.0 * writing.ink * ink).round() as u8;
        }
        Ok(digit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture(glyphs: &Glyphs, index: usize) -> Vec<u8> {
        let mut out = vec![0; glyphs.shape().iter().product()];
        assert_eq!(glyphs.read(index, &mut out).unwrap(), index % 10);
        out
    }

    #[test]
    fn pictures_are_functions_of_split_and_index() {
        let (train, test) = (Glyphs::new(Split::Train, 28), Glyphs::new(Split::Test, 28));
        assert_eq!(picture(&train, 17), picture(&Glyphs::new(Split::Train, 28), 17));
        assert_ne!(picture(&train, 17), picture(&train, 27));
        assert_ne!(picture(&train, 17), picture(&test, 17));
        assert!(test.read(10_000, &mut [0; 784]).is_err());
    }

    #[test]
    fn digits_lie_on_a_black_ground_with_a_black_border() {
        let train = Glyphs::new(Split::Train, 28);
        for index in 0..2000 {
            let picture = picture(&train, index);
            let lit = picture.iter().filter(|&&byte| byte > 127).count();
            assert!((14..330).contains(&lit), "picture {index}: {lit} bright pixels");
            assert!(picture.iter().any(|&byte| byte > 200), "picture {index} is faint");
            for i in 0..28 {
                for at in [i, 27 * 28 + i, 28 * i, 28 * i + 27] {
                    assert_eq!(picture[at], 0, "picture {index} reaches the border");
                }
            }
        }
    }

    #[test]
    fn any_side_will_do() {
        for side in [1, 3, 8, 64] {
            picture(&Glyphs::new(Split::Test, side), 8);
        }
    }
}
