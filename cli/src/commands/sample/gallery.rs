//! What painted pictures are put together to: a grid, an animation, or a file each.

use crate::args::Out;
use crate::error::Result;
use crate::output;
use crate::pictures::{Animation, MAX_FRAMES, Pictures, columns_for, file_name, grid_png, picture_png};
use std::fmt::Write;
use std::path::Path;
use tweedie_tensor::Tensor;

/// Takes pictures batch by batch, and keeps no more of them than what is written at the end needs.
pub(super) enum Gallery<'a> {
    Grid { path: &'a Path, pictures: Option<Pictures> },
    Animation { path: &'a Path, frames: Animation },
    Folder { path: &'a Path, n: usize },
}

/// About how many bytes of each picture stay until the end: its condition, its pixels, and these once more in the file that
/// is put together.
pub(super) fn bytes_per_picture(out: Option<&Out>, shape: [usize; 3], steps: usize) -> usize {
    const CONDITION: usize = 128;
    let pixels = shape.iter().product::<usize>();
    CONDITION
        + match out {
            Some(Out::Png(_)) => 3 * pixels,
            Some(Out::Gif(_)) => (steps.min(MAX_FRAMES) + 1) * pixels,
            Some(Out::Folder(_)) | None => 0,
        }
}

impl<'a> Gallery<'a> {
    /// For `n` pictures.
    pub(super) fn new(out: &'a Out, n: usize) -> Gallery<'a> {
        match out {
            Out::Png(path) => Gallery::Grid { path, pictures: None },
            Out::Gif(path) => Gallery::Animation { path, frames: Animation::default() },
            Out::Folder(path) => Gallery::Folder { path, n },
        }
    }

    /// Adds a finished batch, whose first picture is number `first`, and the [`Frames`] of its way.
    ///
    /// # Errors
    /// Pictures that cannot be drawn or written.
    pub(super) fn add(&mut self, first: usize, of_steps: Vec<Pictures>, x: &Tensor<f32>) -> Result<()> {
        let finished = Pictures::from_tensor(x)?;
        match self {
            Gallery::Grid { pictures: Some(pictures), .. } => pictures.append(&finished),
            Gallery::Grid { pictures, .. } => {
                *pictures = Some(finished);
                Ok(())
            }
            Gallery::Animation { frames, .. } => {
                let mut all = of_steps.into_iter().chain([finished]).enumerate();
                all.try_for_each(|(i, pictures)| frames.add(i, pictures))
            }
            Gallery::Folder { path, n } => {
                let pictures = finished;
                for i in 0..pictures.len() {
                    let png = picture_png(&pictures, i)?;
                    output::write(&path.join(file_name(first + i, *n)), &png)?;
                }
                Ok(())
            }
        }
    }

    /// Writes what is not written yet.
    ///
    /// # Errors
    /// What cannot be encoded or written.
    pub(super) fn finish(self, classes: Option<&[usize]>, names: Option<&[String]>) -> Result<()> {
        let columns = |n| columns_for(n, in_turn(classes, names));
        match self {
            Gallery::Grid { path, pictures } => match pictures {
                Some(pictures) => output::write(path, &grid_png(&pictures, columns(pictures.len()))?),
                None => Ok(()),
            },
            Gallery::Animation { path, frames, .. } => {
                output::write(path, &frames.encode(columns(frames.pictures()))?)
            }
            Gallery::Folder { path, .. } => match (classes, names) {
                (Some(classes), Some(names)) => {
                    output::write(&path.join("labels.csv"), labels(classes, names).as_bytes())
                }
                _ => Ok(()),
            },
        }
    }
}

/// The frames that an animation has of a batch on its way, taken where it is painted.
pub(super) struct Frames {
    steps: Vec<usize>,
    taken: Vec<Pictures>,
}

impl Frames {
    /// Of pictures that take so many steps; none for what is no animation.
    pub(super) fn new(out: Option<&Out>, steps: usize) -> Frames {
        let steps = if matches!(out, Some(Out::Gif(_))) { frame_steps(steps) } else { Vec::new() };
        Frames { steps, taken: Vec::new() }
    }

    /// Takes one of the batch as it is after step number `step`, if there is to be one.
    ///
    /// # Errors
    /// Pictures that cannot be drawn.
    pub(super) fn look(&mut self, step: usize, x: &Tensor<f32>) -> Result<()> {
        if self.steps.get(self.taken.len()) == Some(&step) {
            self.taken.push(Pictures::from_tensor(x)?);
        }
        Ok(())
    }

    /// Those of the batch that is finished now; the next one begins.
    pub(super) fn finish(&mut self) -> Vec<Pictures> {
        std::mem::take(&mut self.taken)
    }
}

/// The steps after which an animation has a frame: evenly spread, and not the last, whose pictures are the finished ones.
fn frame_steps(steps: usize) -> Vec<usize> {
    let frames = steps.min(MAX_FRAMES);
    (1..frames).map(|i| i * steps / frames - 1).collect()
}

/// The number of classes, if the pictures go through them in turn.
fn in_turn(classes: Option<&[usize]>, names: Option<&[String]>) -> Option<usize> {
    let (classes, k) = (classes?, names?.len());
    classes.iter().enumerate().all(|(i, &class)| class == i % k).then_some(k)
}

/// A table of which picture is of which class.
fn labels(classes: &[usize], names: &[String]) -> String {
    let mut table = String::from("file,class,name\n");
    for (i, &class) in classes.iter().enumerate() {
        let name = names.get(class).map_or("", String::as_str).replace('"', "\"\"");
        // Writing into a string does not fail.
        let _ = writeln!(table, "{},{class},\"{name}\"", file_name(i, classes.len()));
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_spread_over_the_steps() {
        assert!(frame_steps(1).is_empty());
        assert_eq!(frame_steps(4), [0, 1, 2]);
        let many = frame_steps(1000);
        assert_eq!(many.len(), MAX_FRAMES - 1);
        assert!(many.windows(2).all(|pair| (20..=21).contains(&(pair[1] - pair[0]))));
        assert!(many.last().is_some_and(|&last| last < 999));
    }

    #[test]
    fn labels_name_the_class_of_each_file() {
        let names = ["cat".to_string(), "a \"b\"".to_string()];
        assert_eq!(
            labels(&[1, 0], &names),
            "file,class,name\n0000.png,1,\"a \"\"b\"\"\"\n0001.png,0,\"cat\"\n"
        );
    }
}
