//! What an operation has computed, as planes that can be drawn.

use super::super::plane::HALF;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use tweedie_diffusion::plane::{Grid, batch};
use tweedie_tensor::{Result, Tensor, ops};

/// Planes that are drawn at most.
const MOST: usize = 36;
/// Cells along each side of the plane, where points are looked at.
const CELLS: usize = 32;
/// All of them.
pub(super) const ALL_CELLS: usize = CELLS * CELLS;

/// Planes of numbers: bytes in base64, each plane from its least value (black) to its largest.
#[derive(Serialize)]
pub(super) struct Planes {
    bytes: String,
    count: usize,
    sides: [usize; 2],
}

impl Planes {
    /// All of `values`, in planes of these sides.
    pub(super) fn new(values: &[f32], sides: [usize; 2]) -> Planes {
        let area = (sides[0] * sides[1]).max(1);
        let stretched = |plane: &[f32]| {
            let least = plane.iter().copied().fold(f32::INFINITY, f32::min);
            let most = plane.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            let span = (most - least).max(f32::MIN_POSITIVE);
            plane.iter().map(|x| ((x - least) / span * 255.0).round() as u8).collect::<Vec<_>>()
        };
        let bytes: Vec<u8> = values.chunks(area).flat_map(stretched).collect();
        Planes { bytes: STANDARD.encode(bytes), count: values.len() / area, sides }
    }

    /// The first of what an operation has made of a picture, or of every cell of the plane.
    ///
    /// # Errors
    /// None.
    pub(super) fn of_result(value: &Tensor<f32>, operation: &str, of: Looked) -> Result<Planes> {
        let (planes, sides) = match (value.dims(), of) {
            (&[_, _, h, w], Looked::Picture { .. }) => (value.clone(), [h, w]),
            (&[_, _, places], Looked::Picture { height, width, .. }) if operation == "attention" => {
                (value.clone(), sides(places, height, width).unwrap_or([1, places]))
            }
            (&[_, tokens, _], Looked::Picture { height, width, in_tokens: true }) => {
                (ops::transpose_last(value)?, sides(tokens, height, width).unwrap_or([1, tokens]))
            }
            // What knows of the time alone is the same in every cell: once is enough.
            (&[ALL_CELLS, length], Looked::Plane) if is_repeated(value.as_slice(), length) => {
                (ops::narrow(value, 0, 0, 1)?, [1, length])
            }
            (&[ALL_CELLS, _], Looked::Plane) => (ops::transpose_last(value)?, [CELLS; 2]),
            (&[.., length], _) => (value.clone(), [1, length]),
            (&[], _) => (value.clone(), [1, 1]),
        };
        let shown = planes.numel().min(MOST * sides[0] * sides[1]);
        Ok(Planes::new(&planes.as_slice()[..shown], sides))
    }
}

/// Whether all rows of so many numbers are the first one.
fn is_repeated(values: &[f32], length: usize) -> bool {
    values.iter().zip(&values[length..]).all(|(one, next)| one == next)
}

/// What an operation is shown at work on.
#[derive(Debug, Clone, Copy)]
pub(super) enum Looked {
    /// A picture of these sides, which the network may cut into tokens.
    Picture { height: usize, width: usize, in_tokens: bool },
    /// Every cell of the plane at once.
    Plane,
}

/// The centres of the cells of the plane as a batch, from the upper left.
pub(super) fn every_cell() -> Tensor<f32> {
    let centres = Grid::square(HALF, CELLS).centres();
    let downwards: Vec<[f64; 2]> = centres.chunks(CELLS).rev().flatten().copied().collect();
    batch(&downwards)
}

/// The sides of so many places, in the proportion of the picture's.
pub(super) fn sides(places: usize, height: usize, width: usize) -> Option<[usize; 2]> {
    let h = ((places * height) as f64 / width as f64).sqrt().round() as usize;
    (h > 0 && places.is_multiple_of(h) && h * width == places / h * height).then(|| [h, places / h])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_become_rows_and_columns_of_the_picture() {
        assert_eq!(sides(49, 28, 28), Some([7, 7]));
        assert_eq!(sides(32, 16, 32), Some([4, 8]));
        assert_eq!([sides(50, 28, 28), sides(0, 28, 28), sides(5, 28, 28)], [None; 3]);
    }

    #[test]
    fn tokens_are_places_of_a_transformer_and_rows_of_others() {
        let value = Tensor::from_fn([1, 4, 3], |i| i as f32);
        let planes = |in_tokens| {
            let of = Looked::Picture { height: 8, width: 8, in_tokens };
            let Planes { bytes, count, sides } = Planes::of_result(&value, "linear", of).unwrap();
            (STANDARD.decode(bytes).unwrap(), count, sides)
        };
        assert_eq!(planes(true), ([[0, 85, 170, 255]; 3].concat(), 3, [2, 2]));
        assert_eq!(planes(false), ([[0, 128, 255]; 4].concat(), 4, [1, 3]));
    }

    #[test]
    fn the_plane_begins_at_its_upper_left() {
        let cells = every_cell();
        let Planes { bytes, count, sides } =
            Planes::of_result(&cells.reshape([ALL_CELLS, 2]).unwrap(), "linear", Looked::Plane).unwrap();
        let bytes = STANDARD.decode(bytes).unwrap();
        assert_eq!((count, sides), (2, [CELLS; 2]));
        assert!(!is_repeated(cells.as_slice(), 2) && is_repeated(&[1.0, 2.0, 1.0, 2.0], 2));
        // x grows to the right, y upwards.
        assert_eq!([bytes[0], bytes[CELLS - 1]], [0, 255]);
        assert_eq!([bytes[ALL_CELLS], bytes[2 * ALL_CELLS - 1]], [255, 0]);
    }
}
