//! Convolution as the textbooks have it: write every window's pixels down as a column, then multiply.
//!
//! X [c_in · kh · kw, h' · w'] for each sample; then y = W·X, dW = dY·Xᵀ, and dX is the columns Wᵀ·dY added back into the
//! picture.

use super::options::Conv2dOptions;
use crate::reference::conv::{columns_len, fold, picture_len, unfold};
use crate::simd::conv::Geometry;
use crate::{Element, Error, Result, Shape, Tensor};

/// The columns [n, c · kh · kw, h' · w'] of pictures [n, c, h, w] under a kernel [kh, kw].
///
/// # Errors
/// As [`Conv2dOptions::output_shape`] for weights [1, c, kh, kw].
pub fn im2col<T: Element>(x: &Tensor<T>, kernel: [usize; 2], g: &Conv2dOptions) -> Result<Tensor<T>> {
    let g = geometry("im2col", x.shape(), kernel, g)?;
    let mut columns = Tensor::scratch(columns_shape(&g)?);
    let pictures = x.as_slice().chunks_exact(picture_len(&g));
    for (picture, columns) in pictures.zip(columns.as_mut_slice().chunks_exact_mut(columns_len(&g))) {
        unfold(&g, picture, columns);
    }
    Ok(columns)
}

/// The adjoint of [`im2col`]: adds each column's numbers to the pixels that im2col would have copied them from. `columns` is
/// [n, c · kh · kw, h' · w'], and the result has the shape `x_shape` = [n, c, h, w].
///
/// # Errors
/// As [`Conv2dOptions::output_shape`]; and when the columns do not have the shape that [`im2col`] returns.
pub fn col2im<T: Element>(
    columns: &Tensor<T>,
    x_shape: &Shape,
    kernel: [usize; 2],
    g: &Conv2dOptions,
) -> Result<Tensor<T>> {
    const OP: &str = "col2im";
    let g = geometry(OP, x_shape, kernel, g)?;
    let wanted = columns_shape(&g)?;
    if *columns.shape() != wanted {
        let why = "the columns have the shape that the pictures' columns have";
        return Err(Error::Mismatch { op: OP, left: *columns.shape(), right: wanted, why });
    }
    let mut x = Tensor::zeros(*x_shape);
    let columns = columns.as_slice().chunks_exact(columns_len(&g));
    for (picture, columns) in x.as_mut_slice().chunks_exact_mut(picture_len(&g)).zip(columns) {
        fold(&g, columns, picture);
    }
    Ok(x)
}

fn geometry(op: &'static str, x: &Shape, kernel: [usize; 2], g: &Conv2dOptions) -> Result<Geometry> {
    let [_, channels, _, _] = x.nchw(op)?;
    g.geometry(op, x, &Shape::new(&[1, channels, kernel[0], kernel[1]])?)
}

fn columns_shape(g: &Geometry) -> Result<Shape> {
    Shape::new(&[g.samples, g.channels_in * g.taps[0] * g.taps[1], g.places[0] * g.places[1]])
}
