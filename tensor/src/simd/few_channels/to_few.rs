//! From many channels to few.

use super::tile::{Terms, load, store};
use super::{MOST_COLUMNS, Pass};
use crate::Buffer;
use crate::simd::Isa;
use crate::simd::lanes::{Lanes, MOST_LANES, on_isa};
use std::ops::Range;

/// Sums of a tile: the columns of a window of three, for one channel.
const ROWS: usize = 3;
/// Vectors of places of a tile.
const VECTORS: usize = 3;
/// Channels that are summed over at once: so many places to read from the processor can foresee.
const TOGETHER: usize = 4;
/// Numbers before and behind the sums of a column, more than a tile is longer than they are and than a window is wide.
const MARGIN: usize = VECTORS * MOST_LANES;
const _: () = assert!(MARGIN + 1 >= MOST_COLUMNS + MOST_LANES);

pub(super) struct ToFew<'a> {
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

impl<'a> ToFew<'a> {
    pub(super) fn new(pass: &'a Pass, w: &[f32]) -> ToFew<'a> {
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
        let (at, columns) = (&pass.weights(), pass.taps[1]);
        let sums: Vec<_> = (0..pass.to).flat_map(|to| (0..columns).map(move |u| (to, u))).collect();
        let weights = sums.chunks(ROWS).flat_map(|sums| {
            let weight = move |step: usize, (to, u): (usize, usize)| w[at.at(to, step * columns + u)];
            // Rows without a sum repeat the last one.
            let of_rows = move |step| std::array::from_fn(|i| weight(step, sums[i.min(sums.len() - 1)]));
            (0..pass.from * pass.taps[0]).map(of_rows)
        });
        let weights = weights.collect();
        ToFew { pass, segments, weights }
    }

    /// One sample.
    pub(super) fn run(&self, isa: Isa, x: &[f32], bias: Option<&[f32]>, y: &mut [f32], add: bool) {
        on_isa!(isa, convolve(self, x, bias, y, add));
    }
}

#[inline(always)]
fn convolve<L: Lanes<W>, const W: usize>(
    call: &ToFew<'_>,
    x: &[f32],
    bias: Option<&[f32]>,
    y: &mut [f32],
    add: bool,
) {
    let (pass, size) = (call.pass, call.pass.places_size());
    let columns = pass.taps[1];
    let apart = MARGIN + size + MARGIN;
    let mut sums = Buffer::<f32>::scratch((pass.to * columns).next_multiple_of(ROWS) * apart);
    for segment in &call.segments {
        sum_segment::<L, W>(call, segment, x, (&mut sums, apart));
    }
    for (sum, sums) in sums.chunks_exact_mut(apart).enumerate() {
        clear_unused(pass, sum % columns, sums);
    }
    for (to, y) in y.chunks_exact_mut(size).enumerate() {
        let start = L::splat(bias.map_or(0.0, |bias| bias[to]));
        let sums = &sums[to * columns * apart..];
        for at in (0..size).step_by(W) {
            let y = &mut y[at..];
            let mut sum = if add { L::load_some(y) } else { start };
            for u in 0..columns {
                let shifted = u * apart + MARGIN + at + u - pass.before[1];
                sum = sum.add(L::load_some(&sums[shifted..][..W]));
            }
            sum.store_some(y);
        }
    }
}

/// The sums of all columns at the places of a segment.
#[inline(always)]
fn sum_segment<L: Lanes<W>, const W: usize>(
    call: &ToFew<'_>,
    segment: &Segment,
    x: &[f32],
    (sums, apart): (&mut [f32], usize),
) {
    let (pass, rows) = (call.pass, &segment.rows);
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
        for (group, sums) in sums.chunks_exact_mut(ROWS * apart).enumerate() {
            weights.clear();
            for channel in channels.clone() {
                let steps = &call.weights[(group * pass.from + channel) * pass.taps[0]..];
                weights.extend_from_slice(&steps[rows.clone()]);
            }
            let terms = Terms::new(&shifts, &weights);
            for at in (0..len).step_by(VECTORS * W) {
                let places = |i: usize| i * apart + MARGIN + start + at..;
                let mut tile = [[L::zero(); VECTORS]; ROWS];
                if first > 0 {
                    for i in 0..ROWS {
                        tile[i] = load(&sums[places(i)][..VECTORS * W]);
                    }
                }
                // Lines without a row inside read nothing, and may be longer than x.
                terms.add(x.get(at..).unwrap_or_default(), &mut tile);
                for i in 0..ROWS {
                    store(tile[i], &mut sums[places(i)][..VECTORS * W]);
                }
            }
        }
    }
}

/// Makes zeros of the sums of a column that no place of their own line reads: places of the next line do, or of the one before;
/// and of what such places read before the first line and behind the last.
#[inline(always)]
fn clear_unused(pass: &Pass, u: usize, sums: &mut [f32]) {
    for line in 0..=pass.places[0] {
        let (start, shifted) = (MARGIN + line * pass.plane[1], MARGIN + line * pass.plane[1] + u);
        let shifted = shifted - pass.before[1];
        sums[start.min(shifted)..start.max(shifted)].fill(0.0);
    }
}
