use super::super::error::DataError;
use super::super::index::Index;
use super::super::options::Split;
use super::super::source::Source;
use super::caption::{Caption, LENGTH, Relation, Thing, words};
use super::colour::{Ground, PALETTE, shade};
use super::figure::Figure;
use super::scene::{Placed, Scene};
use crate::purpose;
use std::f64::consts::PI;
use std::ops::Range;
use tweedie_tensor::random::Stream;

/// Which pictures are drawn: one more with each change of any.
const VERSION: u32 = 1;

/// Pictures of one figure or two, with captions: "red circle", "red circle above blue square". Three in four show
/// two figures, of different colours; all stand nearly upright. Every picture and its caption are a pure function of (split, index, side).
#[derive(Debug, Clone)]
pub struct Scenes {
    split: Split,
    side: usize,
    classes: [String; 1],
    words: Vec<String>,
}

impl Scenes {
    /// Height and width in pixels, unless another is asked for.
    pub const SIDE: usize = 32;

    /// 200,000 pictures to train on, or 10,000 others to test with, of `side` by `side` pixels.
    pub fn new(split: Split, side: usize) -> Scenes {
        Scenes { split, side, classes: ["scene".to_string()], words: words() }
    }

    /// What picture `index` says, and the rest of its random numbers.
    fn say(&self, index: usize) -> (Caption, Stream) {
        let mut stream = Stream::new(1, purpose::SHAPE, self.split as u64, index as u64);
        let figures = Figure::ALL.len() as u32;
        let colours = PALETTE.len() as u32;
        let below = |stream: &mut Stream, n: u32| stream.below(n) as usize;
        let first = Thing { colour: below(&mut stream, colours), figure: below(&mut stream, figures) };
        let mut colour = below(&mut stream, colours - 1);
        colour += usize::from(colour >= first.colour);
        let other = Thing { colour, figure: below(&mut stream, figures) };
        let relation = Relation::ALL[below(&mut stream, 4)];
        let second = (stream.uniform() < 0.75).then_some((relation, other));
        (Caption { first, second }, stream)
    }
}

impl Source for Scenes {
    fn len(&self) -> usize {
        match self.split {
            Split::Train => 200_000,
            Split::Test => 10_000,
        }
    }

    fn shape(&self) -> [usize; 3] {
        [3, self.side, self.side]
    }

    fn classes(&self) -> &[String] {
        &self.classes
    }

    fn words(&self) -> &[String] {
        &self.words
    }

    fn caption_length(&self) -> usize {
        LENGTH
    }

    fn caption(&self, index: usize) -> Vec<usize> {
        self.say(index).0.numbers(&self.words)
    }

    fn list(&self, index: &mut Index<'_>) -> Result<(), DataError> {
        index.drawn(&format!("scenes, {}", self.split.name()), VERSION);
        Ok(())
    }

    fn read(&self, index: usize, out: &mut [u8]) -> Result<usize, DataError> {
        if index >= self.len() {
            return Err(DataError::Index { index, pictures: self.len() });
        }
        let (caption, mut stream) = self.say(index);
        scene(caption, &mut stream).draw(self.side, out);
        Ok(0)
    }
}

/// Sizes of a figure alone, and of one beside another.
const ALONE: Range<f64> = 0.36..0.6;
const BESIDE: Range<f64> = 0.36..0.45;
/// How far a figure may lean either way, in radians. A square turned further would be asked for by another name.
pub(super) const LEAN: f64 = PI / 12.0;

fn scene(caption: Caption, stream: &mut Stream) -> Scene {
    let mut figures = match caption.second {
        None => {
            let size = stream.range(ALONE.start, ALONE.end);
            let free = 0.95 - size;
            let centre = (stream.range(-free, free), stream.range(-free, free));
            vec![placed(caption.first, size, centre, stream)]
        }
        Some((relation, other)) => {
            let (before, after) = match relation {
                Relation::Above | Relation::LeftOf => (caption.first, other),
                Relation::Below | Relation::RightOf => (other, caption.first),
            };
            let upright = matches!(relation, Relation::Above | Relation::Below);
            // Each stays in its half, with a gap between them, and not far from the axis that they stand on.
            [(before, -1.0), (after, 1.0)]
                .map(|(thing, half)| {
                    let size = stream.range(BESIDE.start, BESIDE.end);
                    let along = half * stream.range(size + 0.06, 0.97 - size);
                    let across = stream.range(-0.3, 0.3);
                    placed(thing, size, if upright { (across, along) } else { (along, across) }, stream)
                })
                .into()
        }
    };
    figures.iter_mut().for_each(|figure| figure.colour = shade(figure.colour, stream));
    let colours: Vec<_> = figures.iter().map(|figure| figure.colour).collect();
    Scene { ground: Ground::draw(&colours, stream), figures }
}

fn placed(thing: Thing, size: f64, centre: (f64, f64), stream: &mut Stream) -> Placed {
    let figure = Figure::ALL[thing.figure];
    let angle = stream.range(-LEAN, LEAN);
    Placed { figure, colour: PALETTE[thing.colour].1, centre, size, angle }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_and_captions_are_functions_of_split_and_index() {
        let read = |split, index| {
            let (mut out, scenes) = (vec![0; 3 * 32 * 32], Scenes::new(split, 32));
            scenes.read(index, &mut out).unwrap();
            (out, scenes.caption(index))
        };
        assert_eq!(read(Split::Train, 5), read(Split::Train, 5));
        assert_ne!(read(Split::Train, 5), read(Split::Train, 6));
        assert_ne!(read(Split::Train, 5), read(Split::Test, 5));
        assert!(Scenes::new(Split::Test, 32).read(10_000, &mut [0; 3072]).is_err());
    }

    #[test]
    fn captions_use_every_word_and_never_one_colour_twice() {
        let scenes = Scenes::new(Split::Train, 32);
        let mut used = vec![0; scenes.words().len() + 1];
        for index in 0..400 {
            let caption = scenes.caption(index);
            caption.iter().for_each(|&word| used[word] += 1);
            assert!(caption.len() == 2 || caption[0] != caption[caption.len() - 2]);
        }
        assert_eq!(used[0], 0);
        assert!(used[1..].iter().all(|&count| count > 10), "{used:?}");
    }
}
