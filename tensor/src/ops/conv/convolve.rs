//! A convolution and its gradients, whose operands are checked here.

use super::options::Conv2dOptions;
use crate::rehearsal;
use crate::simd::conv::{self as kernels, Addend, Bias, Direction, Geometry, Onto};
use crate::{Accumulate, Element, Error, Result, Shape, Tensor};
use rayon::prelude::*;

/// The convolution of x [n, c_in, h, w] with weights [c_out, c_in, kh, kw] and a bias \[c_out\]:
/// [n, c_out, h', w']. The bias may also be \[n, c_out\], a different one for each sample.
///
/// ```
/// use tweedie_tensor::Tensor;
/// use tweedie_tensor::ops::{Conv2dOptions, Padding, conv2d};
/// let x = Tensor::<f32>::full([1, 1, 3, 3], 1.0);
/// let w = Tensor::<f32>::full([1, 1, 3, 3], 1.0);
/// let y = conv2d(&x, &w, None, &Conv2dOptions { stride: 1, padding: Padding::same(1) })?;
/// assert_eq!(y.as_slice(), [4.0, 6.0, 4.0, 6.0, 9.0, 6.0, 4.0, 6.0, 4.0]);
/// # Ok::<(), tweedie_tensor::Error>(())
/// ```
///
/// # Errors
/// As [`Conv2dOptions::output_shape`]; and when the bias is neither \[c_out\] nor \[n, c_out\].
pub fn conv2d<T: Element>(
    x: &Tensor<T>,
    weight: &Tensor<T>,
    bias: Option<&Tensor<T>>,
    g: &Conv2dOptions,
) -> Result<Tensor<T>> {
    let g = g.geometry("conv2d", x.shape(), weight.shape())?;
    let bias = fitting_bias(&g, bias)?;
    let mut y = Tensor::scratch(g.output()?);
    let addend = Addend { bias, onto: Onto::Nothing };
    if rehearsal::notes(g.flops(), || kernels::buffers(&g, Direction::Forward)) {
        return Ok(y);
    }
    T::conv_forward(&g, x.as_slice(), weight.as_slice(), addend, y.as_mut_slice());
    Ok(y)
}

/// [`conv2d`] added to `onto`, pictures of its output's shape, while its numbers are in registers. The result takes the memory of `onto`
/// if no other tensor shares it.
///
/// # Errors
/// As [`conv2d`]; and when `onto` has another shape.
pub fn conv2d_onto<T: Element>(
    x: &Tensor<T>,
    weight: &Tensor<T>,
    bias: Option<&Tensor<T>>,
    mut onto: Tensor<T>,
    g: &Conv2dOptions,
) -> Result<Tensor<T>> {
    const OP: &str = "conv2d_onto";
    let g = g.geometry(OP, x.shape(), weight.shape())?;
    fit(OP, onto.shape(), &g.output()?, "what is added to has the output's shape")?;
    let bias = fitting_bias(&g, bias)?;
    if rehearsal::notes(g.flops(), || kernels::buffers(&g, Direction::Forward)) {
        return Ok(if onto.is_unique() { onto } else { Tensor::scratch(*onto.shape()) });
    }
    let (x, weight) = (x.as_slice(), weight.as_slice());
    if onto.is_unique() {
        T::conv_forward(&g, x, weight, Addend { bias, onto: Onto::Itself }, onto.as_mut_slice());
        return Ok(onto);
    }
    let mut y = Tensor::scratch(*onto.shape());
    let addend = Addend { bias, onto: Onto::Other(onto.as_slice()) };
    T::conv_forward(&g, x, weight, addend, y.as_mut_slice());
    Ok(y)
}

fn fitting_bias<'a, T: Element>(g: &Geometry, bias: Option<&'a Tensor<T>>) -> Result<Bias<'a, T>> {
    let Some(bias) = bias else { return Ok(Bias::None) };
    if *bias.shape() == Shape::from([g.samples, g.channels_out]) {
        return Ok(Bias::Samples(bias.as_slice()));
    }
    let why = "the bias has one number for each channel out, or one for each sample and channel";
    fit("conv2d", bias.shape(), &Shape::from([g.channels_out]), why)?;
    Ok(Bias::Channels(bias.as_slice()))
}

/// The gradient of a convolution with respect to its input, from dy [n, c_out, h', w'] into `out` of
/// shape `x_shape`: dx[n, c, y, x] = Σ of w[o, c, u, v] · dy[n, o, i, j] over all that x[n, c, y, x] went into.
///
/// # Errors
/// As [`Conv2dOptions::output_shape`]; and when dy or `out` has another shape than follows from it.
pub fn conv2d_grad_input<T: Element>(
    dy: &Tensor<T>,
    weight: &Tensor<T>,
    x_shape: &Shape,
    g: &Conv2dOptions,
    out: &mut Tensor<T>,
    how: Accumulate,
) -> Result<()> {
    const OP: &str = "conv2d_grad_input";
    let g = g.geometry(OP, x_shape, weight.shape())?;
    fit(OP, dy.shape(), &g.output()?, "the output's gradient has the output's shape")?;
    fit(OP, out.shape(), x_shape, "the gradient has the input's shape")?;
    if rehearsal::notes(g.flops(), || kernels::buffers(&g, Direction::GradInput)) {
        return Ok(());
    }
    T::conv_grad_input(&g, dy.as_slice(), weight.as_slice(), out.as_mut_slice(), how);
    Ok(())
}

/// The gradient of a convolution with respect to its weights, into `out` of shape `weight_shape`:
/// dw[o, c, u, v] = Σ over n, i, j of dy[n, o, i, j] · x[n, c, s·i + u − top, s·j + v − left].
///
/// # Errors
/// As [`Conv2dOptions::output_shape`]; and when dy or `out` has another shape than follows from it.
pub fn conv2d_grad_weight<T: Element>(
    x: &Tensor<T>,
    dy: &Tensor<T>,
    weight_shape: &Shape,
    g: &Conv2dOptions,
    out: &mut Tensor<T>,
    how: Accumulate,
) -> Result<()> {
    const OP: &str = "conv2d_grad_weight";
    let g = g.geometry(OP, x.shape(), weight_shape)?;
    fit(OP, dy.shape(), &g.output()?, "the output's gradient has the output's shape")?;
    fit(OP, out.shape(), weight_shape, "the gradient has the weights' shape")?;
    if rehearsal::notes(g.flops(), || kernels::buffers(&g, Direction::GradWeight)) {
        return Ok(());
    }
    T::conv_grad_weight(&g, x.as_slice(), dy.as_slice(), out.as_mut_slice(), how);
    Ok(())
}

/// The gradient of a convolution with respect to its bias: dy [n, c_out, h', w'] summed over all axes but the
/// channels', into `out` \[c_out\]; or over pixels alone, into `out` \[n, c_out\].
///
/// # Errors
/// When dy has not four axes, or `out` is not one of these.
pub fn conv2d_grad_bias<T: Element>(dy: &Tensor<T>, out: &mut Tensor<T>, how: Accumulate) -> Result<()> {
    const OP: &str = "conv2d_grad_bias";
    let [samples, channels, height, width] = dy.shape().nchw(OP)?;
    let each_sample = *out.shape() == Shape::from([samples, channels]);
    if !each_sample {
        let why = "the bias has one number for each channel out, or one for each sample and channel";
        fit(OP, out.shape(), &Shape::from([channels]), why)?;
    }
    if rehearsal::is_on() {
        return Ok(());
    }
    let (pixels, dy) = (height * width, dy.as_slice());
    // A bias for each sample sums a single plane, so the stride only has to lead beyond it; planes of an empty picture have no numbers.
    let (planes_each, stride) = if each_sample { (1, dy.len()) } else { (samples, channels * pixels) };
    let stride = stride.max(1);
    let sum_of = |(index, out): (usize, &mut T)| {
        let sum = T::sum_of_planes(&dy[index * pixels..], pixels, stride);
        *out = match how {
            Accumulate::Overwrite => sum,
            Accumulate::Add => *out + sum,
        };
    };
    const LARGE: usize = 1 << 16;
    if dy.len() >= LARGE {
        let least = (LARGE / (planes_each * pixels).max(1)).max(1);
        out.as_mut_slice().par_iter_mut().with_min_len(least).enumerate().for_each(sum_of);
    } else {
        out.as_mut_slice().iter_mut().enumerate().for_each(sum_of);
    }
    Ok(())
}

fn fit(op: &'static str, given: &Shape, wanted: &Shape, why: &'static str) -> Result<()> {
    if given == wanted {
        return Ok(());
    }
    Err(Error::Mismatch { op, left: *given, right: *wanted, why })
}
