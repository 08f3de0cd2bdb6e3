//! Many small pictures as one that a person can see: rows and columns, gutters between, magnified by a whole factor
//! so that no pixel is invented.

use super::pixels::{Canvas, Colour, Pictures};
use super::scatter;

/// The side, in pixels of the screen, that a magnified picture should come near.
const CELL: usize = 96;
/// The side that a whole grid should not exceed by magnifying.
const SIDE: usize = 1536;
/// Between the pictures: a grey that neither black nor white grounds run into.
const GUTTER_GREY: u8 = 72;

/// Where the pictures of a grid stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Layout {
    /// Pictures in a row.
    pub(crate) columns: usize,
    /// Pixels of the screen for a pixel of a picture, along each side.
    pub(crate) scale: usize,
    /// Pixels of the screen between two pictures, and around them.
    pub(crate) gutter: usize,
}

impl Layout {
    /// The layout of `n` pictures of `height` × `width` in rows of `columns`, as large as is good to look at.
    pub(crate) fn new(n: usize, columns: usize, height: usize, width: usize) -> Layout {
        Layout::within(n, columns, height, width, CELL, SIDE)
    }

    /// The same, with a picture's side near `cell` and the grid's within `side` pixels (or unmagnified).
    pub(crate) fn within(
        n: usize,
        columns: usize,
        height: usize,
        width: usize,
        cell: usize,
        side: usize,
    ) -> Layout {
        let columns = columns.clamp(1, n.max(1));
        let longest = (columns * width).max(n.div_ceil(columns) * height).max(1);
        let scale = (cell / height.max(width).max(1)).min(side / longest).max(1);
        Layout { columns, scale, gutter: scale.max(2) }
    }

    /// Height and width of the grid of `n` such pictures, in pixels of the screen.
    pub(crate) fn size(&self, n: usize, height: usize, width: usize) -> (usize, usize) {
        let side = |count: usize, length: usize| count * (length * self.scale + self.gutter) + self.gutter;
        (side(n.div_ceil(self.columns), height), side(self.columns, width))
    }

    /// Draws the grid; points are drawn together, each where it lies.
    pub(crate) fn draw(&self, pictures: &Pictures) -> Canvas {
        let Pictures { colour, height, width, .. } = *pictures;
        if colour == Colour::Point {
            return scatter::draw(pictures.points());
        }
        let (rows, columns) = self.size(pictures.len(), height, width);
        let pixel = colour.bytes();
        let mut bytes = vec![GUTTER_GREY; rows * columns * pixel];
        for i in 0..pictures.len() {
            let top = self.gutter + i / self.columns * (height * self.scale + self.gutter);
            let left = self.gutter + i % self.columns * (width * self.scale + self.gutter);
            for (y, row) in pictures.get(i).chunks_exact(width * pixel).enumerate() {
                let line: Vec<u8> = row.chunks_exact(pixel).flat_map(|p| p.repeat(self.scale)).collect();
                for copy in 0..self.scale {
                    let start = ((top + y * self.scale + copy) * columns + left) * pixel;
                    bytes[start..start + line.len()].copy_from_slice(&line);
                }
            }
        }
        Canvas { colour, height: rows, width: columns, bytes }
    }

    /// The grey value of the gutters.
    pub(crate) fn gutter_value(colour: Colour) -> Vec<u8> {
        vec![GUTTER_GREY; colour.bytes()]
    }
}

/// How many of `n` pictures go into a row: a column for each of `classes` classes where that makes a picture of
/// sensible proportions, else a square.
pub(crate) fn columns_for(n: usize, classes: Option<usize>) -> usize {
    match classes {
        Some(k) if (2..=20).contains(&k) && n >= k && n.div_ceil(k) <= 2 * k => k,
        _ => (1..=n).find(|side| side * side >= n).unwrap_or(1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tweedie_tensor::Tensor;

    #[test]
    fn small_pictures_are_magnified_and_many_are_not() {
        assert_eq!(Layout::new(16, 4, 28, 28).scale, 3);
        assert_eq!(Layout::new(16, 4, 256, 256).scale, 1);
        assert_eq!(Layout::new(1000, 32, 28, 28).scale, 1);
    }

    #[test]
    fn columns() {
        assert_eq!(columns_for(16, None), 4);
        assert_eq!(columns_for(17, None), 5);
        assert_eq!(columns_for(40, Some(10)), 10);
        assert_eq!(columns_for(1000, Some(10)), 32);
        assert_eq!(columns_for(4, Some(10)), 2);
        assert_eq!(columns_for(0, None), 1);
    }

    #[test]
    fn every_pixel_lands_in_its_place() -> crate::error::Result<()> {
        // Three 2×2 pictures in two columns; the fourth place stays empty.
        let pictures = Pictures::from_tensor(&Tensor::from_fn([3, 1, 2, 2], |i| i as f32 / 127.5 - 1.0))?;
        let layout = Layout { columns: 2, scale: 2, gutter: 1 };
        let canvas = layout.draw(&pictures);
        assert_eq!((canvas.height, canvas.width), (11, 11));
        for y in 0..11 {
            for x in 0..11 {
                let inside = |v: usize| (!v.is_multiple_of(5)).then(|| (v / 5, (v % 5 - 1) / 2));
                let expected = match (inside(y), inside(x)) {
                    (Some((row, v)), Some((column, u))) if row * 2 + column < 3 => {
                        ((row * 2 + column) * 4 + v * 2 + u) as u8
                    }
                    _ => GUTTER_GREY,
                };
                assert_eq!(canvas.bytes[y * 11 + x], expected, "at row {y}, column {x}");
            }
        }
        Ok(())
    }
}
