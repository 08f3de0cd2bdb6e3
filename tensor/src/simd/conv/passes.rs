//! The three convolutions of a layer, each by its route.

use super::addend::{Addend, Bias, Onto};
use super::geometry::{Direction, Geometry};
use super::route::Route;
use super::{implicit, phases, winograd};
use crate::simd::Isa;
use crate::simd::gemm::Accumulate;

/// y ← addend + w ∗ x.
pub(crate) fn forward(isa: Isa, g: &Geometry, x: &[f32], w: &[f32], addend: Addend<'_, f32>, y: &mut [f32]) {
    match Route::of(g, Direction::Forward) {
        Route::Winograd => winograd::forward(isa, g, x, w, addend, y),
        Route::FewChannels(problem, method) => {
            let (bias, add) = match addend.onto {
                Onto::Nothing => (addend.bias, false),
                _ => (Bias::None, addend.fill(g, y)),
            };
            method.convolve(&problem, isa, x, w, bias, y, add);
        }
        _ => implicit::forward(isa, g, x, w, addend, y),
    }
}

/// dx ← or += w transposed ∗ dy.
pub(crate) fn grad_input(isa: Isa, g: &Geometry, dy: &[f32], w: &[f32], dx: &mut [f32], how: Accumulate) {
    match Route::of(g, Direction::GradInput) {
        Route::Winograd => winograd::grad_input(isa, g, dy, w, dx, how),
        Route::FewChannels(problem, method) => {
            method.convolve(&problem, isa, dy, w, Bias::None, dx, how == Accumulate::Add);
        }
        _ => phases::grad_input(isa, g, dy, w, dx, how),
    }
}

/// dw ← or += dy ∗ x.
pub(crate) fn grad_weight(isa: Isa, g: &Geometry, x: &[f32], dy: &[f32], dw: &mut [f32], how: Accumulate) {
    match Route::of(g, Direction::GradWeight) {
        Route::Winograd => winograd::grad_weight(isa, g, x, dy, dw, how),
        Route::FewChannelsWeights { problem, method, few_in } => {
            let (few, many) = if few_in { (x, dy) } else { (dy, x) };
            method.grad_weight(&problem, isa, few, many, dw, how);
        }
        Route::ProductTransposed => implicit::grad_weight_transposed(isa, g, x, dy, dw, how),
        _ => implicit::grad_weight(isa, g, x, dy, dw, how),
    }
}

/// The bytes of the larger buffers that a convolution holds at once beside its operands.
pub(crate) fn buffers(g: &Geometry, direction: Direction) -> Vec<usize> {
    let (channels, [height, width]) = match direction {
        Direction::Forward | Direction::GradWeight => (g.channels_in, g.plane),
        Direction::GradInput => (g.channels_out, g.places),
    };
    match Route::of(g, direction) {
        Route::Winograd => winograd::buffers(g, direction),
        Route::FewChannels(..) | Route::FewChannelsWeights { .. } => Vec::new(),
        Route::Product | Route::ProductTransposed if g.taps == [1, 1] && g.stride == 1 => Vec::new(),
        // A copy of the planes with zeros around them.
        Route::Product | Route::ProductTransposed => {
            vec![g.samples * channels * (height + 2) * (width + 2) * size_of::<f32>()]
        }
    }
}
