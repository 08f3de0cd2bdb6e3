//! Convolution as the textbooks have it: write every window's pixels down as a column, then multiply.
//!
//! X [c_in · kh · kw, h' · w'] for each sample, y = W·X, dW = dY·Xᵀ, dX = the columns Wᵀ·dY added back into the
//! picture. It carries f64, and is the second implementation that the implicit products are tested against.

use super::{Base, Conv2d, Geometry};
use crate::simd::MatRef;
use crate::{Accumulate, Element, Error, Result, Shape, Tensor};

/// The columns [n, c · kh · kw, h' · w'] of pictures [n, c, h, w] under a kernel [kh, kw].
///
/// # Errors
/// Those of [`Conv2d::output_shape`] for weights [1, c, kh, kw].
pub fn im2col<T: Element>(x: &Tensor<T>, kernel: [usize; 2], g: &Conv2d) -> Result<Tensor<T>> {
    let g = geometry("im2col", x.shape(), kernel, g)?;
    let mut columns = Tensor::scratch(columns_shape(&g)?);
    let pictures = x.as_slice().chunks_exact(picture_len(&g));
    for (picture, columns) in pictures.zip(columns.as_mut_slice().chunks_exact_mut(columns_len(&g))) {
        unfold(&g, picture, columns);
    }
    Ok(columns)
}

/// The adjoint of [`im2col`]: adds each column's numbers into the pixels they would have come from. From
/// [n, c · kh · kw, h' · w'] to pictures of shape `x_shape` = [n, c, h, w].
///
/// # Errors
/// Those of [`Conv2d::output_shape`]; and when the columns' shape is not the one that [`im2col`] gives.
pub fn col2im<T: Element>(
    columns: &Tensor<T>,
    x_shape: &Shape,
    kernel: [usize; 2],
    g: &Conv2d,
) -> Result<Tensor<T>> {
    const OP: &str = "col2im";
    let g = geometry(OP, x_shape, kernel, g)?;
    let wanted = columns_shape(&g)?;
    if *columns.shape() != wanted {
        let why = "the columns are those of the pictures";
        return Err(Error::Mismatch { op: OP, left: *columns.shape(), right: wanted, why });
    }
    let mut x = Tensor::zeros(*x_shape);
    let columns = columns.as_slice().chunks_exact(columns_len(&g));
    for (picture, columns) in x.as_mut_slice().chunks_exact_mut(picture_len(&g)).zip(columns) {
        fold(&g, columns, picture);
    }
    Ok(x)
}

fn geometry(op: &'static str, x: &Shape, kernel: [usize; 2], g: &Conv2d) -> Result<Geometry> {
    let [_, channels, _, _] = x.nchw(op)?;
    g.geometry(op, x, &Shape::new(&[1, channels, kernel[0], kernel[1]])?)
}

fn columns_shape(g: &Geometry) -> Result<Shape> {
    Shape::new(&[g.samples, g.channels_in * g.taps[0] * g.taps[1], g.places[0] * g.places[1]])
}

fn columns_len(g: &Geometry) -> usize {
    features(g) * places(g)
}

fn picture_len(g: &Geometry) -> usize {
    g.channels_in * g.plane[0] * g.plane[1]
}

fn features(g: &Geometry) -> usize {
    g.channels_in * g.taps[0] * g.taps[1]
}

fn places(g: &Geometry) -> usize {
    g.places[0] * g.places[1]
}

/// Calls `visit(index in the columns, index in the picture, or nothing in the padding)` for every place in the
/// columns.
fn each_place(g: &Geometry, mut visit: impl FnMut(usize, Option<usize>)) {
    let mut at = 0;
    for channel in 0..g.channels_in {
        for (down, right) in (0..g.taps[0]).flat_map(|u| (0..g.taps[1]).map(move |v| (u, v))) {
            for i in 0..g.places[0] {
                let y = (i * g.stride + down).checked_sub(g.before[0]).filter(|&y| y < g.plane[0]);
                for j in 0..g.places[1] {
                    let x = (j * g.stride + right).checked_sub(g.before[1]).filter(|&x| x < g.plane[1]);
                    let pixel = y.zip(x).map(|(y, x)| (channel * g.plane[0] + y) * g.plane[1] + x);
                    visit(at, pixel);
                    at += 1;
                }
            }
        }
    }
}

fn unfold<T: Element>(g: &Geometry, picture: &[T], columns: &mut [T]) {
    each_place(g, |at, pixel| columns[at] = pixel.map_or(T::ZERO, |pixel| picture[pixel]));
}

fn fold<T: Element>(g: &Geometry, columns: &[T], picture: &mut [T]) {
    each_place(g, |at, pixel| {
        if let Some(pixel) = pixel {
            picture[pixel] += columns[at];
        }
    });
}

pub(super) fn forward<T: Element>(g: &Geometry, x: &[T], w: &[T], base: Base<'_, T>, y: &mut [T]) {
    let how = if base.fill(g, y) { Accumulate::Add } else { Accumulate::Overwrite };
    let (depth, pixels) = (features(g), places(g));
    let mut columns = crate::Buffer::scratch(columns_len(g));
    let w = MatRef::row_major(w, g.channels_out, depth);
    for (x, y) in x.chunks_exact(picture_len(g)).zip(y.chunks_exact_mut(g.channels_out * pixels)) {
        unfold(g, x, &mut columns);
        T::par_gemm(w, MatRef::row_major(&columns, depth, pixels), y, pixels, how);
    }
}

pub(super) fn grad_input<T: Element>(g: &Geometry, dy: &[T], w: &[T], dx: &mut [T], how: Accumulate) {
    let (depth, pixels) = (features(g), places(g));
    let mut columns = crate::Buffer::scratch(columns_len(g));
    let w = MatRef::row_major(w, g.channels_out, depth).transposed();
    for (dy, dx) in dy.chunks_exact(g.channels_out * pixels).zip(dx.chunks_exact_mut(picture_len(g))) {
        let dy = MatRef::row_major(dy, g.channels_out, pixels);
        T::par_gemm(w, dy, &mut columns, pixels, Accumulate::Overwrite);
        if how == Accumulate::Overwrite {
            dx.fill(T::ZERO);
        }
        fold(g, &columns, dx);
    }
}

pub(super) fn grad_weight<T: Element>(g: &Geometry, x: &[T], dy: &[T], dw: &mut [T], how: Accumulate) {
    let (depth, pixels) = (features(g), places(g));
    let mut columns = crate::Buffer::scratch(columns_len(g));
    if how == Accumulate::Overwrite {
        dw.fill(T::ZERO);
    }
    for (x, dy) in x.chunks_exact(picture_len(g)).zip(dy.chunks_exact(g.channels_out * pixels)) {
        unfold(g, x, &mut columns);
        let dy = MatRef::row_major(dy, g.channels_out, pixels);
        let columns = MatRef::row_major(&columns, depth, pixels).transposed();
        T::par_gemm(dy, columns, dw, depth, Accumulate::Add);
    }
}
