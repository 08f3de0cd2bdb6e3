//! Convolution as the textbooks have it: every window's pixels are written down as a column, then multiplied.
//!
//! X [c_in · kh · kw, h' · w'] for each sample; then y = W·X, dW = dY·Xᵀ, and dX is the columns Wᵀ·dY added back into the
//! picture.

use crate::Buffer;
use crate::simd::conv::{Addend, Geometry};
use crate::simd::{Accumulate, MatRef, par_dgemm};
use std::ops::AddAssign;

pub(crate) fn columns_len(g: &Geometry) -> usize {
    features(g) * places(g)
}

pub(crate) fn picture_len(g: &Geometry) -> usize {
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

pub(crate) fn unfold<T: Copy + Default>(g: &Geometry, picture: &[T], columns: &mut [T]) {
    each_place(g, |at, pixel| columns[at] = pixel.map_or(T::default(), |pixel| picture[pixel]));
}

pub(crate) fn fold<T: Copy + AddAssign>(g: &Geometry, columns: &[T], picture: &mut [T]) {
    each_place(g, |at, pixel| {
        if let Some(pixel) = pixel {
            picture[pixel] += columns[at];
        }
    });
}

pub(crate) fn forward(g: &Geometry, x: &[f64], w: &[f64], addend: Addend<'_, f64>, y: &mut [f64]) {
    let how = if addend.fill(g, y) { Accumulate::Add } else { Accumulate::Overwrite };
    let (depth, pixels) = (features(g), places(g));
    let mut columns = Buffer::scratch(columns_len(g));
    let w = MatRef::row_major(w, g.channels_out, depth);
    for (x, y) in x.chunks_exact(picture_len(g)).zip(y.chunks_exact_mut(g.channels_out * pixels)) {
        unfold(g, x, &mut columns);
        par_dgemm(w, MatRef::row_major(&columns, depth, pixels), y, pixels, how);
    }
}

pub(crate) fn grad_input(g: &Geometry, dy: &[f64], w: &[f64], dx: &mut [f64], how: Accumulate) {
    let (depth, pixels) = (features(g), places(g));
    let mut columns = Buffer::scratch(columns_len(g));
    let w = MatRef::row_major(w, g.channels_out, depth).transposed();
    for (dy, dx) in dy.chunks_exact(g.channels_out * pixels).zip(dx.chunks_exact_mut(picture_len(g))) {
        let dy = MatRef::row_major(dy, g.channels_out, pixels);
        par_dgemm(w, dy, &mut columns, pixels, Accumulate::Overwrite);
        if how == Accumulate::Overwrite {
            dx.fill(0.0);
        }
        fold(g, &columns, dx);
    }
}

pub(crate) fn grad_weight(g: &Geometry, x: &[f64], dy: &[f64], dw: &mut [f64], how: Accumulate) {
    let (depth, pixels) = (features(g), places(g));
    let mut columns = Buffer::scratch(columns_len(g));
    if how == Accumulate::Overwrite {
        dw.fill(0.0);
    }
    for (x, dy) in x.chunks_exact(picture_len(g)).zip(dy.chunks_exact(g.channels_out * pixels)) {
        unfold(g, x, &mut columns);
        let dy = MatRef::row_major(dy, g.channels_out, pixels);
        let columns = MatRef::row_major(&columns, depth, pixels).transposed();
        par_dgemm(dy, columns, dw, depth, Accumulate::Add);
    }
}
