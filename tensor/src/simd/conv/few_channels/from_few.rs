//! From few channels to many.

use super::problem::Problem;
use super::shifted::{SLACK, Shifted};
use super::tile::{Terms, load, store};
use crate::Buffer;
use crate::simd::Isa;
use crate::simd::vector::{MAX_LANES, Vector, on_isa};
use rayon::prelude::*;

/// Channels of a tile, as many as registers have room for accumulators: of 32 registers.
const ROWS: usize = 8;
/// The same, of 16 registers.
const FEWER_ROWS: usize = 5;
/// The width of a tile: vectors of places.
const VECTORS: usize = 2;
/// The fewest channels of a task, if there are as many: each task makes its own copies.
const MIN_IN_TASK: usize = 48;
/// How many tasks there are for each thread, at least.
const TASKS: usize = 4;
const _: () = assert!(VECTORS * MAX_LANES <= SLACK);

pub(super) struct FromFew<'a> {
    problem: &'a Problem,
    copies: Shifted<'a>,
    /// Where each tap of each channel reads, in the copies.
    shifts: Vec<usize>,
    /// Channels of a tile.
    rows: usize,
    /// For each tile of channels, and each tap of each channel in, the tile's weights.
    weights: Vec<f32>,
    /// Channels of a task: all of a sample's, if there are enough samples for the threads. The number of threads enters here, and no
    /// bit depends on it: each number of y is one sum over all terms, in order, whichever task computes it.
    in_task: usize,
}

impl<'a> FromFew<'a> {
    pub(super) fn new(isa: Isa, problem: &'a Problem, w: &[f32], samples: usize) -> FromFew<'a> {
        let copies = Shifted::new(problem);
        let shifts = copies.shifts();
        let rows = on_isa!(isa, rows());
        let at = problem.weights();
        let mut weights = Vec::with_capacity(problem.channels_out.next_multiple_of(rows) * shifts.len());
        for first in (0..problem.channels_out).step_by(rows) {
            for term in 0..shifts.len() {
                // Rows without a channel repeat the last one.
                weights
                    .extend((first..first + rows).map(|to| w[at.at(to.min(problem.channels_out - 1), term)]));
            }
        }
        let wanted = (TASKS * rayon::current_num_threads()).div_ceil(samples.max(1));
        let in_task = problem.channels_out.div_ceil(wanted).max(MIN_IN_TASK).next_multiple_of(rows);
        FromFew { problem, copies, shifts, rows, weights, in_task }
    }

    /// Computes one sample.
    pub(super) fn run(&self, isa: Isa, x: &[f32], bias: Option<&[f32]>, y: &mut [f32], add: bool) {
        let size = self.problem.places_size();
        y.par_chunks_mut(self.in_task * size).enumerate().for_each(|(task, y)| {
            on_isa!(isa, convolve(self, x, bias, (task * self.in_task, y), add));
        });
    }
}

/// Channels of a tile of these vectors.
fn rows<L: Vector<W>, const W: usize>() -> usize {
    if L::REGISTERS >= 32 { ROWS } else { FEWER_ROWS }
}

/// Computes some channels of one sample, from channel `first` on.
#[inline(always)]
fn convolve<L: Vector<W>, const W: usize>(
    call: &FromFew<'_>,
    x: &[f32],
    bias: Option<&[f32]>,
    (first, y): (usize, &mut [f32]),
    add: bool,
) {
    let mut copies = Buffer::<f32>::scratch(call.copies.len());
    call.copies.write::<L, W>(x, &mut copies);
    if rows::<L, W>() == ROWS {
        add_groups::<L, ROWS, W>(call, &copies, bias, (first, y), add);
    } else {
        add_groups::<L, FEWER_ROWS, W>(call, &copies, bias, (first, y), add);
    }
}

#[inline(always)]
fn add_groups<L: Vector<W>, const ROWS: usize, const W: usize>(
    call: &FromFew<'_>,
    copies: &[f32],
    bias: Option<&[f32]>,
    (first, y): (usize, &mut [f32]),
    add: bool,
) {
    assert_eq!(call.rows, ROWS, "weights of another instruction set");
    let (size, terms) = (call.problem.places_size(), call.shifts.len());
    let weights = call.weights.as_chunks().0[first / ROWS * terms..].chunks_exact(terms);
    for (group, (planes, weights)) in y.chunks_mut(ROWS * size).zip(weights).enumerate() {
        let (terms, used) = (Terms::new(&call.shifts, weights), planes.len() / size);
        let mut start = [[L::zero(); VECTORS]; ROWS];
        if let Some(bias) = bias {
            for (start, bias) in start.iter_mut().zip(&bias[first + group * ROWS..]) {
                *start = [L::splat(*bias); VECTORS];
            }
        }
        for at in (0..size).step_by(VECTORS * W) {
            let end = size.min(at + VECTORS * W);
            let mut sums = start;
            if add {
                for i in 0..ROWS {
                    if i < used {
                        sums[i] = load(&planes[i * size..][at..end]);
                    }
                }
            }
            terms.add(&copies[at..], &mut sums);
            for i in 0..ROWS {
                if i < used {
                    store(sums[i], &mut planes[i * size..][at..end]);
                }
            }
        }
    }
}
