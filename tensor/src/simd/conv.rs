//! f32 convolution as implicit products: panels are packed straight from the pictures.

use super::few_channels::Few;
use super::gemm::{
    FeatureLanes, Operand, Output, Planes, PositionLanes, Start, Window, multiply_parallel, multiply_sliced,
};
use super::{Isa, winograd};
use crate::ops::conv::{Base, Bias, Geometry, Onto};
use crate::{Accumulate, Buffer};
use rayon::prelude::*;
use std::ops::Range;

fn window(g: &Geometry) -> Window {
    Window {
        plane: g.plane,
        places: g.places,
        taps: g.taps,
        stride: g.stride,
        before: g.before.map(|p| p as isize),
    }
}

/// y = w ∗ x + bias: W [C_out, features] times X [features, positions].
pub(crate) fn forward(isa: Isa, g: &Geometry, x: &[f32], w: &[f32], base: Base<'_, f32>, y: &mut [f32]) {
    if winograd::applies(g) {
        return winograd::forward(isa, g, x, w, base, y);
    }
    if let Some(few) = Few::of_output(g) {
        return few.forward(g, x, w, base, y);
    }
    let depth = g.channels_in * g.taps[0] * g.taps[1];
    let weights = FeatureLanes(Planes::matrix(w, g.channels_out, depth, depth));
    let pixels = PositionLanes(Planes::pictures(x, g.samples, g.channels_in, window(g)));
    let start = match base {
        Base { bias: Bias::Channels(bias), onto: Onto::Nothing } => Start::Rows(bias),
        _ if base.fill(g, y) => Start::Current,
        _ => Start::Zero,
    };
    let y = Output::pictures(y, g.samples, g.channels_out, g.places[0] * g.places[1]);
    multiply_parallel(isa, &weights, &pixels, &y, start);
}

/// dW: dY [C_out, positions] times Xᵀ [positions, features].
pub(crate) fn grad_weight(isa: Isa, g: &Geometry, x: &[f32], dy: &[f32], dw: &mut [f32], how: Accumulate) {
    if winograd::applies(g) {
        return winograd::grad_weight(isa, g, x, dy, dw, how);
    }
    if let Some(few) = Few::of_output(g) {
        return few.grad_weight(g, x, dy, dw, how);
    }
    let each = Window { plane: g.places, places: g.places, taps: [1, 1], stride: 1, before: [0, 0] };
    let dy = FeatureLanes(Planes::pictures(dy, g.samples, g.channels_out, each));
    let x = FeatureLanes(Planes::pictures(x, g.samples, g.channels_in, window(g)));
    multiply_sliced(isa, &dy, &x, dw, how.into());
}

/// dX: the transposed weights times dY under a mirrored window.
///
/// With stride s, the pixels of x fall into s × s phases by (row + padding) mod s and the same of the column. A
/// pixel meets only the taps of its own phase, and within a phase everything is a convolution of stride 1. So
/// no product is spent on the zeros that a dilated dY would have.
pub(crate) fn grad_input(isa: Isa, g: &Geometry, dy: &[f32], w: &[f32], dx: &mut [f32], how: Accumulate) {
    if winograd::applies(g) {
        return winograd::grad_input(isa, g, dy, w, dx, how);
    }
    if let Some(few) = Few::of_input(g) {
        return few.grad_input(g, dy, w, dx, how);
    }
    for down in 0..g.stride {
        for right in 0..g.stride {
            let phase = [Phase::of(g, 0, down), Phase::of(g, 1, right)];
            if phase.iter().any(|p| p.pixels == 0) {
                continue;
            }
            grad_input_phase(isa, g, phase, dy, w, dx, how);
        }
    }
}

/// One axis of one phase: the pixels `first`, `first + stride`, … and the taps `tap`, `tap + stride`, …
#[derive(Debug, Clone, Copy)]
struct Phase {
    first: usize,
    pixels: usize,
    tap: usize,
    taps: usize,
    /// Where the mirrored window begins before dY.
    before: isize,
}

impl Phase {
    /// Pixel y meets tap t at place (y + padding − t) / stride: for t = `tap` + stride · j and
    /// y = stride · i + `tap` − padding, that is place i − j.
    fn of(g: &Geometry, axis: usize, tap: usize) -> Phase {
        let (stride, padding) = (g.stride, g.before[axis]);
        let taps = g.taps[axis].saturating_sub(tap).div_ceil(stride);
        let least = padding.saturating_sub(tap).div_ceil(stride);
        let first = stride * least + tap - padding;
        let pixels = g.plane[axis].saturating_sub(first).div_ceil(stride);
        Phase { first, pixels, tap, taps, before: taps as isize - 1 - least as isize }
    }
}

fn grad_input_phase(
    isa: Isa,
    g: &Geometry,
    phase: [Phase; 2],
    dy: &[f32],
    w: &[f32],
    dx: &mut [f32],
    how: Accumulate,
) {
    let [height, width] = phase.map(|p| p.pixels);
    let mirrored = Window {
        plane: g.places,
        places: [height, width],
        taps: phase.map(|p| p.taps),
        stride: 1,
        before: phase.map(|p| p.before),
    };
    let weights = MirroredWeights { w, g, phase };
    let dy = PositionLanes(Planes::pictures(dy, g.samples, g.channels_out, mirrored));
    if g.stride == 1 {
        let dx = Output::pictures(dx, g.samples, g.channels_in, height * width);
        return multiply_parallel(isa, &weights, &dy, &dx, how.into());
    }
    let mut part = Buffer::<f32>::scratch(g.samples * g.channels_in * height * width);
    let output = Output::pictures(&mut part, g.samples, g.channels_in, height * width);
    multiply_parallel(isa, &weights, &dy, &output, Start::Zero);
    let planes = dx.par_chunks_exact_mut(g.plane[0] * g.plane[1]).zip(part.par_chunks_exact(height * width));
    planes.for_each(|(dx, part)| {
        let lines = dx.chunks_exact_mut(g.plane[1]).skip(phase[0].first).step_by(g.stride);
        for (line, part) in lines.zip(part.chunks_exact(width)) {
            let pixels = line.iter_mut().skip(phase[1].first).step_by(g.stride);
            match how {
                Accumulate::Overwrite => pixels.zip(part).for_each(|(x, p)| *x = *p),
                Accumulate::Add => pixels.zip(part).for_each(|(x, p)| *x += *p),
            }
        }
    });
}

/// The weights [C_out, C_in, taps] with C_in as lanes and (C_out, taps of a phase, last tap first) as depth.
struct MirroredWeights<'a> {
    w: &'a [f32],
    g: &'a Geometry,
    phase: [Phase; 2],
}

impl Operand for MirroredWeights<'_> {
    fn lanes(&self) -> usize {
        self.g.channels_in
    }

    fn depth(&self) -> usize {
        self.g.channels_out * self.phase[0].taps * self.phase[1].taps
    }

    fn pack(&self, _isa: Isa, lanes: Range<usize>, depth: Range<usize>, width: usize, panels: &mut [f32]) {
        let [down, right] = self.phase;
        let taps = self.g.taps[0] * self.g.taps[1];
        let in_phase = down.taps * right.taps;
        for (index, panel) in panels.chunks_exact_mut((width * depth.len()).max(1)).enumerate() {
            let first = lanes.start + index * width;
            let used = width.min(lanes.end - first);
            for (k, row) in depth.clone().zip(panel.chunks_exact_mut(width)) {
                let (channel_out, at) = (k / in_phase, in_phase - 1 - k % in_phase);
                let y = down.tap + self.g.stride * (at / right.taps);
                let x = right.tap + self.g.stride * (at % right.taps);
                let start = (channel_out * self.g.channels_in + first) * taps + y * self.g.taps[1] + x;
                for (place, value) in row[..used].iter_mut().zip(self.w[start..].iter().step_by(taps)) {
                    *place = *value;
                }
                row[used..].fill(0.0);
            }
        }
    }
}
