//! The lengths of a convolution.

use crate::{Result, Shape};

/// The lengths of a convolution whose operands fit. A *tap* is an element of the window; a *place* is a position of the window over the
/// picture, and with it a pixel of the output.
#[derive(Debug, Clone, Copy)]
pub struct Geometry {
    pub samples: usize,
    pub channels_in: usize,
    pub channels_out: usize,
    /// Height and width of the picture, a *plane* of it for each channel.
    pub plane: [usize; 2],
    /// Height and width of the output: the places of the window.
    pub places: [usize; 2],
    /// Height and width of the window.
    pub taps: [usize; 2],
    pub stride: usize,
    /// Rows of zeros above the picture, and columns of zeros to its left.
    pub before: [usize; 2],
}

impl Geometry {
    /// Zeros above dY and to its left under the mirrored window, if the stride is 1. `None` if the window may lie outside the picture
    /// altogether.
    pub fn mirrored_before(&self) -> Option<[usize; 2]> {
        let before = |axis: usize| (self.taps[axis] - 1).checked_sub(self.before[axis]);
        Some([before(0)?, before(1)?])
    }

    /// Multiplications and additions of any of the three convolutions, as the definition counts them.
    pub fn flops(&self) -> f64 {
        let size = self.channels_in * self.taps[0] * self.taps[1];
        let places = self.samples * self.places[0] * self.places[1];
        2.0 * (self.channels_out * size) as f64 * places as f64
    }

    pub fn output(&self) -> Result<Shape> {
        Shape::new(&[self.samples, self.channels_out, self.places[0], self.places[1]])
    }
}

/// Which of a layer's three convolutions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Direction {
    /// y from x and the weights.
    Forward,
    /// dX from dY and the weights.
    GradInput,
    /// dW from x and dY.
    GradWeight,
}
