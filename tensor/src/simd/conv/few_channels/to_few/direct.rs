//! Partial sums term by term, as the definition has them.

use super::column_sums::{ColumnSums, MARGIN, ROWS, add_terms, places_of_tile, weights_of_tiles};
use crate::simd::Isa;
use crate::simd::conv::few_channels::prefetch::Prefetcher;
use crate::simd::conv::few_channels::problem::Problem;
use crate::simd::conv::few_channels::tile::Terms;
use crate::simd::vector::{Vector, on_isa};
use std::ops::Range;

/// Channels that are summed over at once.
const TOGETHER: usize = 8;

pub(in crate::simd) struct Direct<'a> {
    problem: &'a Problem,
    segments: Vec<Segment>,
    /// For each tile of sums (channel out, column of the window), and each channel in and row of the window.
    weights: Vec<[f32; ROWS]>,
}

/// Neighbouring lines of places in which the same rows of the window are inside the picture.
struct Segment {
    lines: Range<usize>,
    rows: Range<usize>,
}

impl<'a> Direct<'a> {
    pub(in crate::simd) fn new(problem: &'a Problem, w: &[f32]) -> Direct<'a> {
        let rows_inside = |line: usize| {
            let inside =
                |height: usize| (height + problem.before[0]).saturating_sub(line).min(problem.taps[0]);
            inside(0)..inside(problem.plane[0])
        };
        let mut segments: Vec<Segment> = Vec::new();
        for line in 0..problem.places[0] {
            match segments.last_mut() {
                Some(last) if last.rows == rows_inside(line) => last.lines.end += 1,
                _ => segments.push(Segment { lines: line..line + 1, rows: rows_inside(line) }),
            }
        }
        let (at, columns) = (problem.weights(), problem.taps[1]);
        let weights = weights_of_tiles(problem, problem.channels_in * problem.taps[0], |step, to, u| {
            w[at.at(to, step * columns + u)]
        });
        Direct { problem, segments, weights }
    }

    /// Computes one sample.
    pub(in crate::simd) fn run(&self, isa: Isa, x: &[f32], bias: Option<&[f32]>, y: &mut [f32], add: bool) {
        on_isa!(isa, convolve(self, x, bias, y, add));
    }
}

#[inline(always)]
fn convolve<L: Vector<W>, const W: usize>(
    call: &Direct<'_>,
    x: &[f32],
    bias: Option<&[f32]>,
    y: &mut [f32],
    add: bool,
) {
    let mut sums = ColumnSums::new(call.problem, call.problem.places[0]);
    for segment in &call.segments {
        sum_segment::<L, W>(call, segment, x, &mut sums);
    }
    sums.add_up::<L, W>(call.problem, bias, y, add);
}

/// The partial sums of all columns at the places of a segment.
#[inline(always)]
fn sum_segment<L: Vector<W>, const W: usize>(
    call: &Direct<'_>,
    segment: &Segment,
    x: &[f32],
    sums: &mut ColumnSums,
) {
    let (problem, rows, stride) = (call.problem, &segment.rows, sums.stride);
    let wide = problem.plane[1];
    let (start, len) = (segment.lines.start * wide, segment.lines.len() * wide);
    let mut shifts = Vec::with_capacity(TOGETHER * rows.len());
    let mut weights = Vec::with_capacity(TOGETHER * rows.len());
    for first in (0..problem.channels_in).step_by(TOGETHER) {
        let channels = first..problem.channels_in.min(first + TOGETHER);
        shifts.clear();
        for channel in channels.clone() {
            let line = |v: usize| segment.lines.start + v - problem.before[0];
            shifts.extend(rows.clone().map(|v| channel * problem.plane_size() + line(v) * wide));
        }
        let next = x.as_ptr().wrapping_add(channels.end * problem.plane_size() + start);
        let turns = sums.groups() * len.div_ceil(places_of_tile::<W>());
        let mut prefetcher = Prefetcher::new(next, [TOGETHER, len, problem.plane_size()], turns);
        for (group, sums) in sums.numbers.chunks_exact_mut(ROWS * stride).enumerate() {
            weights.clear();
            for channel in channels.clone() {
                let steps = &call.weights[(group * problem.channels_in + channel) * problem.taps[0]..];
                weights.extend_from_slice(&steps[rows.clone()]);
            }
            let terms = Terms::new(&shifts, &weights);
            // Lines whose window has no row inside the picture read nothing, and may reach beyond x.
            let sums = (&mut sums[MARGIN + start..], stride);
            add_terms::<L, W>(&terms, x, sums, len, first == 0, &mut prefetcher);
        }
    }
}
