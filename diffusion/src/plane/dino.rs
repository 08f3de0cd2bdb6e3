//! A dinosaur with a long neck, drawn by hand on a sheet of 100 by 100.

use super::frame::Frame;
use super::polyline::along;
use tweedie_tensor::random::Stream;

/// The standard deviation about the lines.
const SPREAD: f64 = 0.45;

/// By quadrature over the lines.
pub(super) const FRAME: Frame = Frame { mean: [47.281371, 43.065066], factor: 0.038749894 };

pub(super) fn draw(stream: &mut Stream) -> [f64; 2] {
    along(&LINES, stream).map(|x| x + SPREAD * stream.normal())
}

const LINES: [&[[f64; 2]]; 5] = [&OUTLINE, &EYE, &MOUTH, &FAR_FORELEG, &FAR_HINDLEG];

const OUTLINE: [[f64; 2]; 55] = [
    // From the nose over the head and down the neck.
    [4.0, 82.0],
    [5.5, 85.5],
    [9.0, 88.0],
    [12.5, 89.0],
    [14.5, 92.5],
    [18.0, 94.0],
    [21.5, 93.0],
    [24.0, 90.0],
    [25.5, 86.0],
    [26.5, 81.0],
    [27.5, 74.0],
    [29.0, 67.0],
    [31.5, 61.0],
    [35.5, 56.5],
    // The back, and the tail to its tip.
    [41.0, 55.0],
    [47.0, 56.5],
    [53.0, 57.5],
    [59.0, 56.5],
    [65.0, 53.0],
    [70.5, 47.5],
    [76.0, 41.5],
    [82.0, 37.0],
    [88.0, 34.5],
    [93.0, 35.0],
    [97.0, 38.5],
    // Back below the tail to the hind leg.
    [95.5, 33.0],
    [91.0, 29.0],
    [85.0, 28.0],
    [79.0, 29.0],
    [74.0, 31.0],
    [72.5, 24.0],
    [72.0, 16.0],
    [73.0, 9.0],
    [64.5, 9.0],
    [64.0, 15.0],
    [62.5, 21.5],
    [60.0, 26.5],
    // The belly, and the foreleg.
    [54.0, 25.0],
    [48.0, 25.0],
    [42.5, 26.5],
    [41.5, 20.0],
    [41.5, 14.0],
    [42.5, 9.0],
    [34.0, 9.0],
    [34.0, 16.0],
    [33.0, 24.0],
    [30.5, 31.0],
    // The chest and the throat, to the chin.
    [26.5, 39.0],
    [23.0, 48.0],
    [20.5, 58.0],
    [19.0, 68.0],
    [17.5, 75.5],
    [13.0, 77.5],
    [7.5, 78.5],
    [4.0, 82.0],
];

const EYE: [[f64; 2]; 7] =
    [[15.0, 88.0], [16.0, 89.7], [18.0, 89.7], [19.0, 88.0], [18.0, 86.3], [16.0, 86.3], [15.0, 88.0]];

const MOUTH: [[f64; 2]; 4] = [[5.0, 81.5], [9.0, 81.0], [13.0, 81.5], [16.0, 83.0]];

const FAR_FORELEG: [[f64; 2]; 5] = [[48.0, 25.0], [48.0, 18.0], [48.5, 12.0], [54.5, 12.0], [54.0, 25.0]];

const FAR_HINDLEG: [[f64; 2]; 4] = [[74.5, 31.0], [78.0, 20.0], [79.0, 12.0], [73.0, 12.0]];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_frame_is_that_of_the_lines() {
        let (mut length, mut sums, mut squares) = (0.0, [0.0; 2], 0.0);
        for ends in LINES.iter().flat_map(|line| line.windows(2)) {
            let [[x0, y0], [x1, y1]] = [ends[0], ends[1]];
            let part = (x1 - x0).hypot(y1 - y0);
            length += part;
            sums[0] += part * (x0 + x1) / 2.0;
            sums[1] += part * (y0 + y1) / 2.0;
            squares += part * (x0 * x0 + x0 * x1 + x1 * x1 + y0 * y0 + y0 * y1 + y1 * y1) / 3.0;
        }
        let mean = sums.map(|sum| sum / length);
        let variance = 0.5 * (squares / length - mean[0] * mean[0] - mean[1] * mean[1]) + SPREAD * SPREAD;
        let factor = 1.0 / variance.sqrt();
        assert!((FRAME.factor - factor).abs() < 1e-6, "{factor}");
        assert!((0..2).all(|i| (FRAME.mean[i] - mean[i]).abs() < 1e-4), "{mean:?}");
    }
}
