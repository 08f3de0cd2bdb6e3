//! The dark squares of a board of 4 by 4 squares of side 1.

use super::frame::Frame;
use tweedie_tensor::random::Stream;

/// A coordinate is uniform on [−2, 2], whose variance is 4/3.
pub(super) const FRAME: Frame = Frame { mean: [0.0; 2], factor: 0.866_025_403_784_438_6 };

pub(super) fn draw(stream: &mut Stream) -> [f64; 2] {
    let (column, half) = (stream.below(4), stream.below(2));
    // Squares are dark whose column and row are both even or both odd.
    let row = 2 * half + column % 2;
    [column, row].map(|square| f64::from(square) - 2.0 + stream.uniform())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plane::Distribution;

    #[test]
    fn points_lie_on_dark_squares_and_on_every_one() {
        let mut counts = [[0; 4]; 4];
        for number in 0..8000 {
            let [column, row] =
                Distribution::Checkerboard.point(1, number).map(|x| (x / FRAME.factor + 2.0) as usize);
            counts[column][row] += 1;
        }
        for (column, rows) in counts.iter().enumerate() {
            for (row, &count) in rows.iter().enumerate() {
                // A thousand each on average; the bounds are seven standard deviations.
                let expected = if (column + row) % 2 == 0 { 800..1200 } else { 0..1 };
                assert!(expected.contains(&count), "{column}, {row}: {count}");
            }
        }
    }
}
