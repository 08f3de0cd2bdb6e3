//! Two half circles of radius 1 that reach into each other.

use super::frame::Frame;
use std::f64::consts::PI;
use tweedie_tensor::Number;
use tweedie_tensor::random::Stream;

/// The standard deviation about the half circles.
const SPREAD: f64 = 0.06;

/// One moon is the other turned by half a turn, so the mean is 0. The mean variance is
/// ½ (1 + ½² + ¼² − ½ · 2/π) + `SPREAD`².
pub(super) const FRAME: Frame = Frame { mean: [0.0; 2], factor: 1.413_231_627 };

pub(super) fn draw(stream: &mut Stream) -> [f64; 2] {
    let side = if stream.chance(0.5) { 1.0 } else { -1.0 };
    let angle = PI * stream.uniform();
    let (x, y) = (Number::cos(angle) - 0.5, Number::sin(angle) - 0.25);
    [side * x + SPREAD * stream.normal(), side * y + SPREAD * stream.normal()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_factor_is_that_of_the_variance() {
        let variance = 0.5 * (1.0 + 0.25 + 0.0625 - 1.0 / PI) + SPREAD * SPREAD;
        assert!((FRAME.factor - 1.0 / variance.sqrt()).abs() < 1e-7, "{}", 1.0 / variance.sqrt());
    }
}
