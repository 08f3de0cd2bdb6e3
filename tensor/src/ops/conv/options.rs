//! Stride and padding of a convolution, and its output's shape.

use crate::simd::conv::Geometry;
use crate::{Error, Result, Shape};

/// Zeros around a picture, in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Padding {
    /// Rows above.
    pub top: usize,
    /// Rows below.
    pub bottom: usize,
    /// Columns to the left.
    pub left: usize,
    /// Columns to the right.
    pub right: usize,
}

impl Padding {
    /// The same number of zeros on all four sides.
    pub const fn same(pixels: usize) -> Padding {
        Padding { top: pixels, bottom: pixels, left: pixels, right: pixels }
    }
}

/// Stride and zero-padding of a two-dimensional convolution.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Conv2dOptions {
    /// Pixels from one place of the window to the next, down and across; at least 1.
    pub stride: usize,
    /// Zeros around the picture.
    pub padding: Padding,
}

/// The largest size of a padded picture: coordinates of pixels fit 32 bits with room to add a kernel's size.
const MAX_PIXELS: usize = 1 << 29;

impl Conv2dOptions {
    /// The shape [n, c_out, h', w'] of the convolution of x [n, c_in, h, w] with weights [c_out, c_in, kh, kw]:
    /// h' = ⌊(h + top + bottom − kh) / stride⌋ + 1.
    ///
    /// # Errors
    /// When a shape does not have four axes, or has one of length zero; when the channels differ; when the kernel is larger than the
    /// padded picture; when the stride is zero.
    pub fn output_shape(&self, x: &Shape, weight: &Shape) -> Result<Shape> {
        let g = self.geometry("conv2d", x, weight)?;
        Shape::new(&[g.samples, g.channels_out, g.places[0], g.places[1]])
    }

    pub(crate) fn geometry(&self, op: &'static str, x: &Shape, weight: &Shape) -> Result<Geometry> {
        let [samples, channels_in, height, width] = x.nchw(op)?;
        let why = "must have four axes: channels out, channels in, kernel height, kernel width";
        let [channels_out, weight_in, taps_high, taps_wide] = weight.exactly(op, why)?;
        for shape in [x, weight] {
            if shape.numel() == 0 {
                return Err(Error::Unfit { op, shape: *shape, why: "has an axis of length zero".into() });
            }
        }
        if channels_in != weight_in {
            let why = "the picture's channels are the weights' second axis";
            return Err(Error::Mismatch { op, left: *x, right: *weight, why });
        }
        if self.stride == 0 {
            let why = "the window must move".into();
            return Err(Error::Parameter { op, name: "stride", value: "0".into(), why });
        }
        let p = &self.padding;
        let sum = |size: usize, before: usize, after: usize| {
            size.checked_add(before).and_then(|s| s.checked_add(after)).filter(|&s| s <= MAX_PIXELS)
        };
        let padded = sum(height, p.top, p.bottom).zip(sum(width, p.left, p.right));
        let Some((high, wide)) = padded.filter(|_| self.stride <= MAX_PIXELS) else {
            let (name, value) = ("padding and stride", format!("{self:?}"));
            return Err(Error::Parameter { op, name, value, why: "the padded picture is too large".into() });
        };
        if taps_high > high || taps_wide > wide {
            let why = "the kernel is larger than the padded picture";
            return Err(Error::Mismatch { op, left: *x, right: *weight, why });
        }
        Ok(Geometry {
            samples,
            channels_in,
            channels_out,
            plane: [height, width],
            places: [(high - taps_high) / self.stride + 1, (wide - taps_wide) / self.stride + 1],
            taps: [taps_high, taps_wide],
            stride: self.stride,
            before: [p.top, p.left],
        })
    }
}
