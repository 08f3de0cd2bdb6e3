//! Two-dimensional convolution, its output's shape, and its gradients.
//!
//! y[n, o, i, j] = bias[o] + Σ over c, u, v of w[o, c, u, v] · x[n, c, s·i + u − top, s·j + v − left],
//! with x zero outside the picture: the cross-correlation that neural networks call convolution.

use super::im2col;
use crate::simd::{self, Isa};
use crate::{Accumulate, Element, Error, Result, Shape, Tensor};
use rayon::prelude::*;

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
pub struct Conv2d {
    /// Pixels from one place of the window to the next, in both directions; at least 1.
    pub stride: usize,
    /// Zeros around the picture.
    pub padding: Padding,
}

/// The lengths of a convolution whose operands were found to fit.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Geometry {
    pub(crate) samples: usize,
    pub(crate) channels_in: usize,
    pub(crate) channels_out: usize,
    /// Height and width of the picture.
    pub(crate) plane: [usize; 2],
    /// Height and width of the output.
    pub(crate) places: [usize; 2],
    /// Height and width of the kernel.
    pub(crate) taps: [usize; 2],
    pub(crate) stride: usize,
    /// Zero rows above and columns to the left.
    pub(crate) before: [usize; 2],
}

impl Conv2d {
    /// The shape [n, c_out, h', w'] of the convolution of x [n, c_in, h, w] with weights [c_out, c_in, kh, kw]:
    /// h' = ⌊(h + top + bottom − kh) / stride⌋ + 1.
    ///
    /// # Errors
    /// When a shape has not four axes, or one of length zero; when the channels differ; when the kernel is larger
    /// than the padded picture; when the stride is zero.
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
            size.checked_add(before).and_then(|s| s.checked_add(after)).filter(|&s| s <= MOST_PIXELS)
        };
        let padded = sum(height, p.top, p.bottom).zip(sum(width, p.left, p.right));
        let Some((high, wide)) = padded.filter(|_| self.stride <= MOST_PIXELS) else {
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

/// Coordinates of pixels, padding included, fit 32 bits with room to add a kernel's size.
const MOST_PIXELS: usize = 1 << 29;

impl Geometry {
    fn output(&self) -> Result<Shape> {
        Shape::new(&[self.samples, self.channels_out, self.places[0], self.places[1]])
    }
}

/// The element types that convolutions are written for: f32 as implicit products, f64 by [`im2col`].
pub trait Convolve: Sized {
    #[doc(hidden)]
    #[allow(private_interfaces)]
    fn forward(g: &Geometry, x: &[Self], w: &[Self], bias: Option<&[Self]>, y: &mut [Self]);
    #[doc(hidden)]
    #[allow(private_interfaces)]
    fn grad_input(g: &Geometry, dy: &[Self], w: &[Self], dx: &mut [Self], how: Accumulate);
    #[doc(hidden)]
    #[allow(private_interfaces)]
    fn grad_weight(g: &Geometry, x: &[Self], dy: &[Self], dw: &mut [Self], how: Accumulate);
}

#[allow(private_interfaces)]
impl Convolve for f32 {
    fn forward(g: &Geometry, x: &[f32], w: &[f32], bias: Option<&[f32]>, y: &mut [f32]) {
        simd::conv::forward(Isa::active(), g, x, w, bias, y);
    }
    fn grad_input(g: &Geometry, dy: &[f32], w: &[f32], dx: &mut [f32], how: Accumulate) {
        simd::conv::grad_input(Isa::active(), g, dy, w, dx, how);
    }
    fn grad_weight(g: &Geometry, x: &[f32], dy: &[f32], dw: &mut [f32], how: Accumulate) {
        simd::conv::grad_weight(Isa::active(), g, x, dy, dw, how);
    }
}

#[allow(private_interfaces)]
impl Convolve for f64 {
    fn forward(g: &Geometry, x: &[f64], w: &[f64], bias: Option<&[f64]>, y: &mut [f64]) {
        im2col::forward(g, x, w, bias, y);
    }
    fn grad_input(g: &Geometry, dy: &[f64], w: &[f64], dx: &mut [f64], how: Accumulate) {
        im2col::grad_input(g, dy, w, dx, how);
    }
    fn grad_weight(g: &Geometry, x: &[f64], dy: &[f64], dw: &mut [f64], how: Accumulate) {
        im2col::grad_weight(g, x, dy, dw, how);
    }
}

/// The convolution of x [n, c_in, h, w] with weights [c_out, c_in, kh, kw] and a bias \[c_out\]:
/// [n, c_out, h', w'].
///
/// ```
/// use tweedie_tensor::Tensor;
/// use tweedie_tensor::ops::{Conv2d, Padding, conv2d};
/// let x = Tensor::<f32>::full([1, 1, 3, 3], 1.0);
/// let w = Tensor::<f32>::full([1, 1, 3, 3], 1.0);
/// let y = conv2d(&x, &w, None, &Conv2d { stride: 1, padding: Padding::same(1) })?;
/// assert_eq!(y.as_slice(), [4.0, 6.0, 4.0, 6.0, 9.0, 6.0, 4.0, 6.0, 4.0]);
/// # Ok::<(), tweedie_tensor::Error>(())
/// ```
///
/// # Errors
/// Those of [`Conv2d::output_shape`]; and when the bias is not \[c_out\].
pub fn conv2d<T: Element>(
    x: &Tensor<T>,
    weight: &Tensor<T>,
    bias: Option<&Tensor<T>>,
    g: &Conv2d,
) -> Result<Tensor<T>> {
    const OP: &str = "conv2d";
    let g = g.geometry(OP, x.shape(), weight.shape())?;
    if let Some(bias) = bias {
        fit(
            OP,
            bias.shape(),
            &Shape::from([g.channels_out]),
            "the bias has one number for each channel out",
        )?;
    }
    let mut y = Tensor::scratch(g.output()?);
    let bias = bias.map(Tensor::as_slice);
    T::forward(&g, x.as_slice(), weight.as_slice(), bias, y.as_mut_slice());
    Ok(y)
}

/// The gradient of a convolution with respect to its input, from dy [n, c_out, h', w'] into `out` of
/// shape `x_shape`: dx[n, c, y, x] = Σ of w[o, c, u, v] · dy[n, o, i, j] over all that x[n, c, y, x] went into.
///
/// # Errors
/// Those of [`Conv2d::output_shape`]; and when dy or `out` has another shape than that gives.
pub fn conv2d_grad_input<T: Element>(
    dy: &Tensor<T>,
    weight: &Tensor<T>,
    x_shape: &Shape,
    g: &Conv2d,
    out: &mut Tensor<T>,
    how: Accumulate,
) -> Result<()> {
    const OP: &str = "conv2d_grad_input";
    let g = g.geometry(OP, x_shape, weight.shape())?;
    fit(OP, dy.shape(), &g.output()?, "the output's gradient has the output's shape")?;
    fit(OP, out.shape(), x_shape, "the gradient has the input's shape")?;
    T::grad_input(&g, dy.as_slice(), weight.as_slice(), out.as_mut_slice(), how);
    Ok(())
}

/// The gradient of a convolution with respect to its weights, into `out` of shape `weight_shape`:
/// dw[o, c, u, v] = Σ over n, i, j of dy[n, o, i, j] · x[n, c, s·i + u − top, s·j + v − left].
///
/// # Errors
/// Those of [`Conv2d::output_shape`]; and when dy or `out` has another shape than that gives.
pub fn conv2d_grad_weight<T: Element>(
    x: &Tensor<T>,
    dy: &Tensor<T>,
    weight_shape: &Shape,
    g: &Conv2d,
    out: &mut Tensor<T>,
    how: Accumulate,
) -> Result<()> {
    const OP: &str = "conv2d_grad_weight";
    let g = g.geometry(OP, x.shape(), weight_shape)?;
    fit(OP, dy.shape(), &g.output()?, "the output's gradient has the output's shape")?;
    fit(OP, out.shape(), weight_shape, "the gradient has the weights' shape")?;
    T::grad_weight(&g, x.as_slice(), dy.as_slice(), out.as_mut_slice(), how);
    Ok(())
}

/// The gradient of a convolution with respect to its bias: dy [n, c_out, h', w'] summed over all axes but the
/// channels', into `out` \[c_out\].
///
/// # Errors
/// When dy has not four axes, or `out` is not \[c_out\].
pub fn conv2d_grad_bias<T: Element>(dy: &Tensor<T>, out: &mut Tensor<T>, how: Accumulate) -> Result<()> {
    const OP: &str = "conv2d_grad_bias";
    let [samples, channels, height, width] = dy.shape().nchw(OP)?;
    fit(OP, out.shape(), &Shape::from([channels]), "the bias has one number for each channel out")?;
    let (pixels, dy) = (height * width, dy.as_slice());
    let channel_sum = |(channel, out): (usize, &mut T)| {
        let sum = simd::vectorized(
            #[inline(always)]
            || {
                let planes = (0..samples).map(|n| &dy[(n * channels + channel) * pixels..][..pixels]);
                planes.map(sum_in_lanes).fold(T::ZERO, |total, plane| total + plane)
            },
        );
        *out = match how {
            Accumulate::Overwrite => sum,
            Accumulate::Add => *out + sum,
        };
    };
    const LARGE: usize = 1 << 16;
    if dy.len() >= LARGE {
        out.as_mut_slice().par_iter_mut().enumerate().for_each(channel_sum);
    } else {
        out.as_mut_slice().iter_mut().enumerate().for_each(channel_sum);
    }
    Ok(())
}

/// Sums in sixteen interleaved partial sums, so that the order is the same whatever the vector width.
#[inline(always)]
fn sum_in_lanes<T: Element>(numbers: &[T]) -> T {
    let mut lanes = [T::ZERO; 16];
    let chunks = numbers.chunks_exact(16);
    let rest = chunks.remainder();
    for chunk in chunks {
        for (lane, x) in lanes.iter_mut().zip(chunk) {
            *lane += *x;
        }
    }
    for (lane, x) in lanes.iter_mut().zip(rest) {
        *lane += *x;
    }
    lanes.into_iter().fold(T::ZERO, |total, lane| total + lane)
}

fn fit(op: &'static str, given: &Shape, wanted: &Shape, why: &'static str) -> Result<()> {
    if given == wanted {
        return Ok(());
    }
    Err(Error::Mismatch { op, left: *given, right: *wanted, why })
}

#[cfg(test)]
#[path = "conv_tests.rs"]
mod tests;
