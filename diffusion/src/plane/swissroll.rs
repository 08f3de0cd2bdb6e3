//! A spiral whose radius grows with its angle, from one and a half half-turns to four and a half.

use super::frame::Frame;
use std::f64::consts::PI;
use tweedie_tensor::Number;
use tweedie_tensor::random::Stream;

/// The first and the last angle.
const ANGLES: [f64; 2] = [1.5 * PI, 4.5 * PI];
/// The standard deviation about the spiral, whose arms are 2π apart.
const SPREAD: f64 = 0.35;

/// By quadrature over the spiral.
pub(super) const FRAME: Frame = Frame { mean: [2.4549684, 0.4244132], factor: 0.137966439 };

pub(super) fn draw(stream: &mut Stream) -> [f64; 2] {
    // Arc length grows nearly as the square of the angle, so that points lie evenly along the spiral.
    let [first, last] = ANGLES.map(|angle| angle * angle);
    let angle = stream.range(first, last).sqrt();
    let (x, y) = (angle * Number::cos(angle), angle * Number::sin(angle));
    [x + SPREAD * stream.normal(), y + SPREAD * stream.normal()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_frame_is_that_of_the_spiral() {
        let n = 100_000;
        let [first, last] = ANGLES.map(|angle| angle * angle);
        let (mut mean, mut square) = ([0.0; 2], 0.0);
        for i in 0..n {
            let angle = (first + (last - first) * (f64::from(i) + 0.5) / f64::from(n)).sqrt();
            mean[0] += angle * angle.cos() / f64::from(n);
            mean[1] += angle * angle.sin() / f64::from(n);
            square += angle * angle / f64::from(n);
        }
        let variance = 0.5 * (square - mean[0] * mean[0] - mean[1] * mean[1]) + SPREAD * SPREAD;
        let factor = 1.0 / variance.sqrt();
        assert!((FRAME.factor - factor).abs() < 1e-6, "{factor}");
        assert!((0..2).all(|i| (FRAME.mean[i] - mean[i]).abs() < 1e-5), "{mean:?}");
    }
}
