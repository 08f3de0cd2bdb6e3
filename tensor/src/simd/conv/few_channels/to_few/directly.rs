//! As the definition has it, term by term.

use super::{ColumnSums, MARGIN, ROWS, VECTORS, add_terms, of_groups};
use crate::simd::Isa;
use crate::simd::conv::few_channels::Pass;
use crate::simd::conv::few_channels::ahead::Ahead;
use crate::simd::conv::few_channels::tile::Terms;
use crate::simd::vector::{Vector, on_isa};
use std::ops::Range;

/// Channels that are summed over at once.
const TOGETHER: usize = 8;

pub(in crate::simd) struct Directly<'a> {
    pass: &'a Pass,
    segments: Vec<Segment>,
    /// For each group of sums (channel put out, column), and each channel and row of the window.
    weights: Vec<[f32; ROWS]>,
}

/// Neighbouring lines of places whose window has the same rows inside the picture.
struct Segment {
    lines: Range<usize>,
    rows: Range<usize>,
}

impl<'a> Directly<'a> {
    pub(in crate::simd) fn new(pass: &'a Pass, w: &[f32]) -> Directly<'a> {
        let rows_inside = |line: usize| {
            let inside = |height: usize| (height + pass.before[0]).saturating_sub(line).min(pass.taps[0]);
            inside(0)..inside(pass.plane[0])
        };
        let mut segments: Vec<Segment> = Vec::new();
        for line in 0..pass.places[0] {
            match segments.last_mut() {
                Some(last) if last.rows == rows_inside(line) => last.lines.end += 1,
                _ => segments.push(Segment { lines: line..line + 1, rows: rows_inside(line) }),
            }
        }
        let (at, columns) = (pass.weights(), pass.taps[1]);
        let weights =
            of_groups(pass, pass.from * pass.taps[0], |step, to, u| w[at.at(to, step * columns + u)]);
        Directly { pass, segments, weights }
    }

    /// One sample.
    pub(in crate::simd) fn run(&self, isa: Isa, x: &[f32], bias: Option<&[f32]>, y: &mut [f32], add: bool) {
        on_isa!(isa, convolve(self, x, bias, y, add));
    }
}

#[inline(always)]
fn convolve<L: Vector<W>, const W: usize>(
    call: &Directly<'_>,
    x: &[f32],
    bias: Option<&[f32]>,
    y: &mut [f32],
    add: bool,
) {
    let mut sums = ColumnSums::new(call.pass, call.pass.places[0]);
    for segment in &call.segments {
        sum_segment::<L, W>(call, segment, x, &mut sums);
    }
    sums.add_up::<L, W>(call.pass, bias, y, add);
}

/// The sums of all columns at the places of a segment.
#[inline(always)]
fn sum_segment<L: Vector<W>, const W: usize>(
    call: &Directly<'_>,
    segment: &Segment,
    x: &[f32],
    sums: &mut ColumnSums,
) {
    let (pass, rows, apart) = (call.pass, &segment.rows, sums.apart);
    let wide = pass.plane[1];
    let (start, len) = (segment.lines.start * wide, segment.lines.len() * wide);
    let mut shifts = Vec::with_capacity(TOGETHER * rows.len());
    let mut weights = Vec::with_capacity(TOGETHER * rows.len());
    for first in (0..pass.from).step_by(TOGETHER) {
        let channels = first..pass.from.min(first + TOGETHER);
        shifts.clear();
        for channel in channels.clone() {
            let line = |v: usize| segment.lines.start + v - pass.before[0];
            shifts.extend(rows.clone().map(|v| channel * pass.plane_size() + line(v) * wide));
        }
        let next = x.as_ptr().wrapping_add(channels.end * pass.plane_size() + start);
        let turns = sums.groups() * len.div_ceil(VECTORS * W);
        let mut ahead = Ahead::new(next, [TOGETHER, len, pass.plane_size()], turns);
        for (group, sums) in sums.numbers.chunks_exact_mut(ROWS * apart).enumerate() {
            weights.clear();
            for channel in channels.clone() {
                let steps = &call.weights[(group * pass.from + channel) * pass.taps[0]..];
                weights.extend_from_slice(&steps[rows.clone()]);
            }
            let terms = Terms::new(&shifts, &weights);
            // Lines without a row inside read nothing, and may be longer than x.
            let sums = (&mut sums[MARGIN + start..], apart);
            add_terms::<L, W>(&terms, x, sums, len, first == 0, &mut ahead);
        }
    }
}
