//! Coloured figures on smooth grounds, drawn by the program: a colour data set that needs no download.

mod caption;
mod colour;
mod figure;
mod reading;
mod scene;
mod scenes;

pub use reading::{Marks, marks};
pub use scenes::Scenes;

use super::error::DataError;
use super::index::Index;
use super::options::Split;
use super::source::Source;
use crate::purpose;
use colour::{Ground, PALETTE};
use figure::Figure;
use scene::{Placed, Scene};
use tweedie_tensor::random::Stream;

/// Which pictures are drawn: one more with each change of any.
const VERSION: u32 = 1;

/// One figure a picture, whose shape is its class: circle, ring, square, triangle, star, cross, heart or moon.
/// Colour, size, place, angle and ground vary. Every picture is a pure function of (split, index, side), and is
/// drawn when it is read; the class is index mod 8.
#[derive(Debug, Clone)]
pub struct Shapes {
    split: Split,
    side: usize,
    classes: Vec<String>,
}

impl Shapes {
    /// Height and width in pixels, unless another is asked for.
    pub const SIDE: usize = 32;

    /// 50,000 pictures to train on, or 10,000 others to test with, of `side` by `side` pixels.
    pub fn new(split: Split, side: usize) -> Shapes {
        Shapes { split, side, classes: Figure::ALL.iter().map(|figure| figure.name().to_string()).collect() }
    }
}

impl Source for Shapes {
    fn len(&self) -> usize {
        match self.split {
            Split::Train => 50_000,
            Split::Test => 10_000,
        }
    }

    fn shape(&self) -> [usize; 3] {
        [3, self.side, self.side]
    }

    fn classes(&self) -> &[String] {
        &self.classes
    }

    fn list(&self, index: &mut Index<'_>) -> Result<(), DataError> {
        index.drawn(&format!("shapes, {}", self.split.name()), VERSION);
        Ok(())
    }

    fn read(&self, index: usize, out: &mut [u8]) -> Result<usize, DataError> {
        if index >= self.len() {
            return Err(DataError::Index { index, pictures: self.len() });
        }
        let label = index % Figure::ALL.len();
        let mut stream = Stream::new(0, purpose::SHAPE, self.split as u64, index as u64);
        one(Figure::ALL[label], &mut stream).draw(self.side, out);
        Ok(label)
    }
}

/// One figure, somewhere, in some colour.
fn one(figure: Figure, stream: &mut Stream) -> Scene {
    let (_, colour) = PALETTE[stream.below(PALETTE.len() as u32) as usize];
    let colour = colour::shade(colour, stream);
    let size = stream.range(0.36, 0.74);
    // The whole figure stays in the picture.
    let free = 0.95 - size;
    let centre = (stream.range(-free, free), stream.range(-free, free));
    let angle = stream.range(-figure.freedom(), figure.freedom());
    let ground = Ground::draw(&[colour], stream);
    Scene { ground, figures: vec![Placed { figure, colour, centre, size, angle }] }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_are_functions_of_split_and_index() {
        let read = |split, index| {
            let mut out = vec![0; 3 * 32 * 32];
            let label = Shapes::new(split, 32).read(index, &mut out).unwrap();
            assert_eq!(label, index % 8);
            out
        };
        assert_eq!(read(Split::Train, 5), read(Split::Train, 5));
        assert_ne!(read(Split::Train, 5), read(Split::Train, 13));
        assert_ne!(read(Split::Train, 5), read(Split::Test, 5));
        assert!(Shapes::new(Split::Test, 32).read(10_000, &mut [0; 3072]).is_err());
    }

    #[test]
    fn figures_stand_out_from_their_ground() {
        let shapes = Shapes::new(Split::Train, 32);
        let mut out = vec![0; 3 * 32 * 32];
        for index in 0..400 {
            shapes.read(index, &mut out).unwrap();
            let widest = out
                .chunks(1024)
                .map(|plane| plane.iter().max().unwrap_or(&0) - plane.iter().min().unwrap_or(&0));
            assert!(widest.max() > Some(60), "picture {index}");
        }
    }
}
