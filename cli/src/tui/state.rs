//! What of a run is shown.

use crate::pictures::{Canvas, Colour};
use std::sync::Arc;
use std::time::Duration;
use tweedie_train::Metrics;

/// Lines that are kept to be shown.
const SHOWN: usize = 100;

/// A run as it is shown.
#[derive(Debug, Default)]
pub(crate) struct State {
    /// Its name.
    pub(crate) name: String,
    pub(crate) step: u64,
    /// The last step, once it is known.
    pub(crate) total: Option<u64>,
    /// The share of the run that is done.
    pub(crate) share: f64,
    pub(crate) loss: f64,
    pub(crate) images_per_second: f64,
    pub(crate) rss_mib: u64,
    pub(crate) grad_norm: f64,
    pub(crate) learning_rate: f64,
    pub(crate) elapsed: Duration,
    pub(crate) remaining: Duration,
    /// What is being done that is no step.
    pub(crate) busy: Option<String>,
    /// The lines of its metrics.
    pub(crate) metrics: Vec<Metrics>,
    /// What it has said, the newest last.
    pub(crate) said: Vec<String>,
    /// The newest pictures.
    pub(crate) grid: Option<Arc<Grid>>,
    /// Whether it ends after this step.
    pub(crate) stopping: bool,
    /// Whether it can be asked for pictures.
    pub(crate) paints: bool,
}

impl State {
    /// The newest lines that it has said.
    pub(crate) fn newest(&self, lines: usize) -> &[String] {
        &self.said[self.said.len().saturating_sub(lines.min(SHOWN))..]
    }
}

/// Pictures, painted after a step.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Grid {
    pub(crate) step: u64,
    pub(crate) width: usize,
    pub(crate) height: usize,
    /// Red, green and blue of each pixel, row by row.
    pub(crate) rgb: Vec<[u8; 3]>,
    /// The same as a PNG file.
    pub(crate) png: Vec<u8>,
}

impl Grid {
    /// A grid from a canvas, with the same as a PNG file.
    pub(crate) fn new(step: u64, canvas: &Canvas, png: Vec<u8>) -> Grid {
        let rgb = match canvas.colour {
            Colour::Grey => canvas.bytes.iter().map(|&grey| [grey; 3]).collect(),
            // What is drawn is pixels, of points as well.
            Colour::Rgb | Colour::Point => {
                canvas.bytes.chunks_exact(3).map(|pixel| [pixel[0], pixel[1], pixel[2]]).collect()
            }
        };
        Grid { step, width: canvas.width, height: canvas.height, rgb, png }
    }

    /// The size that fits into so many pixels without changing the ratio of its sides; at least one pixel.
    pub(crate) fn fitted(&self, width: usize, height: usize) -> (usize, usize) {
        let scale = (width as f64 / self.width.max(1) as f64).min(height as f64 / self.height.max(1) as f64);
        let side =
            |length: usize, most: usize| ((length as f64 * scale).round() as usize).clamp(1, most.max(1));
        (side(self.width, width), side(self.height, height))
    }

    /// The same at another size: each pixel the mean of those that it covers, or the one that covers it.
    pub(crate) fn resized(&self, width: usize, height: usize) -> Vec<[u8; 3]> {
        let span = |i: usize, to: usize, from: usize| {
            let start = i * from / to;
            start..((i + 1) * from / to).max(start + 1).min(from)
        };
        let mut out = Vec::with_capacity(width * height);
        for y in 0..height {
            let rows = span(y, height, self.height);
            for x in 0..width {
                let (mut sum, mut count) = ([0usize; 3], 0);
                for row in rows.clone() {
                    for pixel in &self.rgb[row * self.width..][span(x, width, self.width)] {
                        sum.iter_mut().zip(pixel).for_each(|(sum, &byte)| *sum += usize::from(byte));
                        count += 1;
                    }
                }
                out.push(sum.map(|sum| (sum / count.max(1)) as u8));
            }
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grid(width: usize, height: usize) -> Grid {
        let rgb = (0..width * height).map(|i| [(i % width) as u8, (i / width) as u8, 7]).collect();
        Grid { step: 1, width, height, rgb, png: Vec::new() }
    }

    #[test]
    fn sizes_keep_their_ratio_and_means_their_colours() {
        let of = grid(40, 20);
        assert_eq!([of.fitted(20, 20), of.fitted(80, 20), of.fitted(1, 1)], [(20, 10), (40, 20), (1, 1)]);
        assert_eq!(of.resized(40, 20), of.rgb);
        // Pairs of columns and rows: (0 + 1)/2 rounds down to 0.
        assert_eq!(of.resized(20, 10)[21], [2, 2, 7]);
        let larger = of.resized(80, 40);
        assert_eq!((larger[0], larger[1], larger[80 * 40 - 1]), ([0, 0, 7], [0, 0, 7], [39, 19, 7]));
    }
}
