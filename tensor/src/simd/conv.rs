//! f32 convolution as implicit products: panels are packed straight from the pictures.

use super::few_channels::Few;
use super::gemm::{
    FeatureLanes, Operand, Output, Planes, PositionLanes, Start, Window, multiply_parallel, multiply_sliced,
    phases,
};
use super::{Isa, winograd};
use crate::ops::conv::{Base, Bias, Geometry, Onto};
use crate::{Accumulate, Buffer};
use rayon::prelude::*;
use std::ops::Range;

/// The window over the phases of x.
fn window(g: &Geometry) -> Window {
    Window {
        plane: g.plane.map(|len| len.div_ceil(g.stride)),
        places: g.places,
        taps: g.taps,
        stride: g.stride,
        phases: g.plane.map(|len| len.min(g.stride)),
        before: g.before.map(|p| p as isize),
    }
}

/// The phases of x, if it has to be sorted into them.
fn sorted(g: &Geometry, x: &[f32]) -> Option<Buffer<f32>> {
    (g.stride > 1).then(|| phases(x, g.plane, &window(g)))
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
    let sorted = sorted(g, x);
    let x = sorted.as_deref().unwrap_or(x);
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
    let each = Window::line(g.places[0] * g.places[1]);
    let dy = FeatureLanes(Planes::pictures(dy, g.samples, g.channels_out, each));
    let sorted = sorted(g, x);
    let x = sorted.as_deref().unwrap_or(x);
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
    if g.stride == 1 {
        let phase = [Phase::of(g, 0, 0), Phase::of(g, 1, 0)];
        let pixels = phase[0].pixels * phase[1].pixels;
        let dx = Output::pictures(dx, g.samples, g.channels_in, pixels);
        return grad_input_phase(isa, g, phase, dy, w, &dx, how.into());
    }
    for down in 0..g.stride {
        let row = Phase::of(g, 0, down);
        // The phases of one row of pixels, which together are whole lines.
        let columns: Vec<Phase> = (0..g.stride).map(|right| Phase::of(g, 1, right)).collect();
        if row.pixels == 0 {
            continue;
        }
        let part = |column: &Phase| {
            let pixels = row.pixels * column.pixels;
            let mut part = Buffer::<f32>::scratch(g.samples * g.channels_in * pixels);
            if pixels > 0 {
                let output = Output::pictures(&mut part, g.samples, g.channels_in, pixels);
                grad_input_phase(isa, g, [row, *column], dy, w, &output, Start::Zero);
            }
            part
        };
        let parts: Vec<Buffer<f32>> = columns.iter().map(part).collect();
        let planes = dx.par_chunks_exact_mut(g.plane[0] * g.plane[1]).enumerate();
        planes.for_each(|(plane, dx)| {
            let lines = dx.chunks_exact_mut(g.plane[1]).skip(row.first).step_by(g.stride);
            for (y, line) in lines.enumerate() {
                let of = |i: usize| {
                    let width = columns[i].pixels;
                    &parts[i][(plane * row.pixels + y) * width..][..width]
                };
                weave(g.stride, |i| (columns[i].first, of(i)), line, how);
            }
        });
    }
}

/// Puts the phases of a line back in their places: `phase(i)` is where phase i begins, and its pixels.
fn weave<'a>(stride: usize, phase: impl Fn(usize) -> (usize, &'a [f32]), line: &mut [f32], how: Accumulate) {
    let write = |x: &mut f32, p: f32| match how {
        Accumulate::Overwrite => *x = p,
        Accumulate::Add => *x += p,
    };
    let even = |i: usize| phase(i).0 == i && phase(i).1.len() * stride == line.len();
    if stride == 2 && even(0) && even(1) {
        let (left, right) = (phase(0).1, phase(1).1);
        for ((pair, left), right) in line.as_chunks_mut::<2>().0.iter_mut().zip(left).zip(right) {
            write(&mut pair[0], *left);
            write(&mut pair[1], *right);
        }
        return;
    }
    for i in 0..stride {
        let (first, pixels) = phase(i);
        line.iter_mut().skip(first).step_by(stride).zip(pixels).for_each(|(x, p)| write(x, *p));
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
    dx: &Output<'_>,
    start: Start<'_>,
) {
    let mirrored = Window {
        plane: g.places,
        places: phase.map(|p| p.pixels),
        taps: phase.map(|p| p.taps),
        stride: 1,
        phases: [1, 1],
        before: phase.map(|p| p.before),
    };
    let weights = MirroredWeights { w, g, phase };
    let dy = PositionLanes(Planes::pictures(dy, g.samples, g.channels_out, mirrored));
    multiply_parallel(isa, &weights, &dy, dx, start);
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
        let tap_of = |at: usize| {
            let y = down.tap + self.g.stride * (at / right.taps);
            y * self.g.taps[1] + right.tap + self.g.stride * (at % right.taps)
        };
        if depth.is_empty() {
            return;
        }
        if !lanes.len().is_multiple_of(width) {
            panels[lanes.len() / width * width * depth.len()..].fill(0.0);
        }
        // The weights of one channel out for all these lanes are neighbours: they are read together, and go to all panels.
        for channel_out in depth.start / in_phase..depth.end.div_ceil(in_phase) {
            for at in 0..in_phase {
                let k = channel_out * in_phase + at;
                if !depth.contains(&k) {
                    continue;
                }
                let start =
                    (channel_out * self.g.channels_in + lanes.start) * taps + tap_of(in_phase - 1 - at);
                let mut weights = self.w[start..].iter().step_by(taps).take(lanes.len());
                for panel in panels.chunks_exact_mut(width * depth.len()) {
                    let row = &mut panel[(k - depth.start) * width..][..width];
                    row.iter_mut().zip(&mut weights).for_each(|(place, weight)| *place = *weight);
                }
            }
        }
    }
}
