//! The gradient of the input as implicit products, one for each phase of the stride.

use super::geometry::Geometry;
use super::padded::{padded, weave};
use super::transpose::transpose;
use crate::Buffer;
use crate::simd::Isa;
use crate::simd::gemm::{Accumulate, ByPosition, Output, Planes, Start, Window, multiply_parallel};
use crate::simd::vector::on_isa;
use rayon::prelude::*;

/// dX: the transposed weights times dY under a mirrored window.
///
/// With stride s, the pixels of x fall into s × s phases by (row + padding) mod s and (column + padding) mod s. A pixel meets only the
/// taps of its own phase, and within a phase everything is a convolution of stride 1. So nothing is multiplied by the zeros that a
/// dilated dY would have.
pub(crate) fn grad_input(isa: Isa, g: &Geometry, dy: &[f32], w: &[f32], dx: &mut [f32], how: Accumulate) {
    // The phases of rows, and of columns.
    let phases = [0, 1].map(|axis| (0..g.stride).map(|tap| Phase::of(g, axis, tap)).collect::<Vec<_>>());
    let border = [0, 1].map(|axis| phases[axis].iter().map(Phase::above).max().unwrap_or(0));
    let plane = [0, 1].map(|axis| phases[axis].iter().map(|p| p.reach(border[axis])).max().unwrap_or(0));
    let copy = padded(dy, g.places, border, &Window::new(plane, [1, 1], 1));
    let dy = copy.as_deref().unwrap_or(dy);
    // The weights as a plane for each channel out, with a line for each tap; a phase reads some of the lines.
    let lines = lines_of_taps(g, &phases);
    let transposed = transposed(isa, g, w, &lines);
    let w = transposed.as_deref().unwrap_or(w);
    let grad_input_phase = |phase: [Phase; 2], dx: &Output<'_>, start: Start<'_>| {
        let taps = phase.map(|p| p.taps);
        let first = phase[0].earlier * g.taps[1] + phase[0].taps * phase[1].earlier;
        let of_phase = Window {
            plane: [lines.len(), g.channels_in],
            places: [1, g.channels_in],
            taps: [taps[0] * taps[1], 1],
            stride: 1,
            first: [first, 0],
        };
        let mirrored = Window {
            plane,
            places: phase.map(|p| p.pixels),
            taps,
            stride: 1,
            first: [0, 1].map(|axis| phase[axis].start(border[axis])),
        };
        let weights = ByPosition(Planes::pictures(w, 1, g.channels_out, of_phase));
        let dy = ByPosition(Planes::pictures(dy, g.samples, g.channels_out, mirrored));
        multiply_parallel(isa, &weights, &dy, dx, start);
    };
    let [rows, columns] = &phases;
    if g.stride == 1 {
        let phase = [rows[0], columns[0]];
        let dx = Output::pictures(dx, g.samples, g.channels_in, phase[0].pixels * phase[1].pixels);
        return grad_input_phase(phase, &dx, how.into());
    }
    for row in rows.iter().filter(|row| row.pixels > 0) {
        let part = |column: &Phase| {
            let pixels = row.pixels * column.pixels;
            let mut part = Buffer::<f32>::scratch(g.samples * g.channels_in * pixels);
            if pixels > 0 {
                let output = Output::pictures(&mut part, g.samples, g.channels_in, pixels);
                grad_input_phase([*row, *column], &output, Start::Zero);
            }
            part
        };
        // The phases of one row of pixels, which together are whole lines.
        let parts: Vec<Buffer<f32>> = columns.iter().map(part).collect();
        /// The fewest numbers of a task.
        const LEAST: usize = 1 << 14;
        let size = g.plane[0] * g.plane[1];
        let planes = dx.par_chunks_exact_mut(size).enumerate().with_min_len(LEAST.div_ceil(size));
        planes.for_each(|(plane, dx)| {
            let lines = dx.chunks_exact_mut(g.plane[1]).skip(row.first).step_by(g.stride);
            let phases = columns.iter().zip(&parts).map(|(column, part)| {
                let size = row.pixels * column.pixels;
                (column.first, column.pixels, &part[plane * size..][..size])
            });
            weave(phases, g.stride, lines, how);
        });
    }
}

/// One axis of one phase: the pixels `first`, `first + stride`, … and the taps `tap`, `tap + stride`, …
#[derive(Debug, Clone, Copy)]
struct Phase {
    first: usize,
    pixels: usize,
    tap: usize,
    taps: usize,
    /// How many taps the phases before this one have.
    earlier: usize,
    /// How far before dY the mirrored window begins.
    before: isize,
}

impl Phase {
    /// Pixel y meets tap t at place (y + padding − t) / stride: for t = `tap` + stride · j and
    /// y = stride · i + `tap` − padding, that is place i − j.
    fn of(g: &Geometry, axis: usize, tap: usize) -> Phase {
        let (stride, padding) = (g.stride, g.before[axis]);
        let taps_from = |tap: usize| g.taps[axis].saturating_sub(tap).div_ceil(stride);
        let (taps, earlier) = (taps_from(tap), (0..tap).map(taps_from).sum());
        let least = padding.saturating_sub(tap).div_ceil(stride);
        let first = stride * least + tap - padding;
        let pixels = g.plane[axis].saturating_sub(first).div_ceil(stride);
        Phase { first, pixels, tap, taps, earlier, before: taps as isize - 1 - least as isize }
    }

    /// How many zeros it reads before dY.
    fn above(&self) -> usize {
        self.before.max(0) as usize
    }

    /// Where the window begins if there are `border` zeros before dY, at least [`Phase::above`].
    fn start(&self, border: usize) -> usize {
        border.saturating_add_signed(-self.before)
    }

    /// How much of dY and its border it reads.
    fn reach(&self, border: usize) -> usize {
        self.start(border) + self.pixels + self.taps.saturating_sub(1)
    }
}

/// For each tap of the window, its line in an order in which the taps of a phase are neighbours, the last one first.
fn lines_of_taps(g: &Geometry, [rows, columns]: &[Vec<Phase>; 2]) -> Vec<usize> {
    let of_phase = |down: Phase, right: Phase| {
        (0..down.taps * right.taps).rev().map(move |at| {
            [down.tap + g.stride * (at / right.taps), right.tap + g.stride * (at % right.taps)]
        })
    };
    let phases = rows.iter().flat_map(|down| columns.iter().map(|right| (*down, *right)));
    let taps = phases.flat_map(|(down, right)| of_phase(down, right));
    let mut lines = vec![0; g.taps[0] * g.taps[1]];
    taps.enumerate().for_each(|(line, [y, x])| lines[y * g.taps[1] + x] = line);
    lines
}

/// The weights [C_out, C_in, taps] as [C_out, taps, C_in], each tap in its line. `None` if they are so already.
fn transposed(isa: Isa, g: &Geometry, w: &[f32], lines: &[usize]) -> Option<Buffer<f32>> {
    /// The fewest numbers of a task.
    const LEAST: usize = 1 << 14;
    if lines.len() == 1 {
        return None;
    }
    let size = lines.len() * g.channels_in;
    let mut transposed = Buffer::scratch(w.len());
    let planes = transposed.par_chunks_exact_mut(size).zip(w.par_chunks_exact(size));
    planes
        .with_min_len(LEAST.div_ceil(size))
        .for_each(|(to, w)| on_isa!(isa, transpose(w, lines.len(), lines, to)));
    Some(transposed)
}
