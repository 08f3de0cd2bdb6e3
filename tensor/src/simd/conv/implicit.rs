//! The forward pass and the gradient of the weights as implicit products: panels of X are packed straight from the pictures, and
//! the im2col matrix is never stored.

use super::addend::Addend;
use super::geometry::Geometry;
use super::padded::padded;
use super::transpose::transpose;
use crate::Buffer;
use crate::simd::Isa;
use crate::simd::gemm::{
    Accumulate, ByFeature, ByPosition, Output, Planes, Start, Window, multiply_parallel, multiply_sliced,
};
use crate::simd::vector::on_isa;
use rayon::prelude::*;

/// The window over x, and a copy of x with zeros around it, if the window needs one.
fn window(g: &Geometry, x: &[f32]) -> (Window, Option<Buffer<f32>>) {
    let window = Window::new(g.places, g.taps, g.stride);
    (window, padded(x, g.plane, g.before, &window))
}

/// The window that takes each of so many numbers by itself.
fn plain([high, wide]: [usize; 2]) -> Window {
    Window::line(high * wide)
}

/// y = addend + w ∗ x: W [C_out, features] times X [features, positions].
pub(super) fn forward(isa: Isa, g: &Geometry, x: &[f32], w: &[f32], addend: Addend<'_, f32>, y: &mut [f32]) {
    let depth = g.channels_in * g.taps[0] * g.taps[1];
    let weights = ByFeature(Planes::matrix(w, g.channels_out, depth, depth));
    let (window, copy) = window(g, x);
    let x = copy.as_deref().unwrap_or(x);
    let pixels = ByPosition(Planes::pictures(x, g.samples, g.channels_in, window));
    let start = addend.start(g, y);
    let y = Output::pictures(y, g.samples, g.channels_out, g.places[0] * g.places[1]);
    multiply_parallel(isa, &weights, &pixels, &y, start);
}

/// dW: dY [C_out, positions] times Xᵀ [positions, features].
pub(super) fn grad_weight(isa: Isa, g: &Geometry, x: &[f32], dy: &[f32], dw: &mut [f32], how: Accumulate) {
    let dy = ByFeature(Planes::pictures(dy, g.samples, g.channels_out, plain(g.places)));
    let (window, copy) = window(g, x);
    let x = copy.as_deref().unwrap_or(x);
    let x = ByFeature(Planes::pictures(x, g.samples, g.channels_in, window));
    multiply_sliced(isa, &dy, &x, dw, how.into());
}

/// dW with stride 1, the other way round: X [C_in, pixels] times features of dY under the mirrored window. What is larger is read
/// where it lies, and the other is packed.
///
/// # Panics
/// When the mirrored window would begin outside of dY and its padding.
pub(super) fn grad_weight_transposed(
    isa: Isa,
    g: &Geometry,
    x: &[f32],
    dy: &[f32],
    dw: &mut [f32],
    how: Accumulate,
) {
    /// Channels in that a task transposes back.
    const TOGETHER: usize = 16;
    let size = g.taps[0] * g.taps[1];
    let before =
        g.mirrored_before().expect("the route checks that the mirrored window begins in the padding");
    let window = Window::new(g.plane, g.taps, 1);
    let copy = padded(dy, g.places, before, &window);
    let dy = copy.as_deref().unwrap_or(dy);
    let x = ByFeature(Planes::pictures(x, g.samples, g.channels_in, plain(g.plane)));
    let dy = ByFeature(Planes::pictures(dy, g.samples, g.channels_out, window));
    let mut transposed = Buffer::<f32>::scratch(dw.len());
    multiply_sliced(isa, &x, &dy, &mut transposed, Start::Zero);
    let transpose_back = |first: usize, dw: &mut [f32]| {
        if size == 1 {
            let lines: Vec<usize> = (0..dw.len() / g.channels_in).collect();
            return on_isa!(isa, transpose(&transposed[first..], g.channels_out, &lines, dw));
        }
        for (channel, dw) in (first..).zip(dw.chunks_exact_mut(g.channels_in * size)) {
            let rows = transposed.chunks_exact(g.channels_out * size);
            for (dw, row) in dw.chunks_exact_mut(size).zip(rows) {
                dw.copy_from_slice(&row[channel * size..][..size]);
                dw.reverse();
            }
        }
    };
    dw.par_chunks_mut(TOGETHER * g.channels_in * size).enumerate().for_each(|(block, dw)| match how {
        Accumulate::Overwrite => transpose_back(block * TOGETHER, dw),
        Accumulate::Add => {
            let mut sums = Buffer::<f32>::scratch(dw.len());
            transpose_back(block * TOGETHER, &mut sums);
            dw.iter_mut().zip(&sums[..]).for_each(|(dw, sum)| *dw += sum);
        }
    });
}
