//! The gradient of the weights as the definition has it: sums of products of places of the many channels and of shifted copies of the
//! few.

use super::places::{IN_TASK, ROWS, TAPS, Tile, add_places, as_tiles, slices, write_gradients};
use crate::Buffer;
use crate::reduction;
use crate::simd::Isa;
use crate::simd::conv::few_channels::problem::Problem;
use crate::simd::conv::few_channels::shifted::Shifted;
use crate::simd::gemm::Accumulate;
use crate::simd::vector::{MAX_LANES, Vector, on_isa};
use rayon::prelude::*;

/// Numbers of all copies that are made at once, so that the L2 cache holds them: those of some samples, of one at least.
const AT_ONCE: usize = 1 << 17;
/// Numbers of a sample's copies that all channels read before the next ones, so that the L1 cache holds them.
const NEAR: usize = 4096;

/// Whether there are so few terms that a product of matrices would leave most of a panel empty.
pub(in crate::simd::conv::few_channels) fn applies(problem: &Problem) -> bool {
    problem.is_from_few() && problem.channels_in * problem.taps[0] * problem.taps[1] <= MAX_LANES
}

/// For each weight sixteen sums, one in each lane, each over every sixteenth place.
pub(in crate::simd::conv::few_channels) fn grad_weight(
    problem: &Problem,
    isa: Isa,
    few: &[f32],
    many: &[f32],
    dw: &mut [f32],
    how: Accumulate,
) {
    let call = Call::new(problem);
    let slices = slices(problem, few, many);
    let tiles = problem.channels_out.div_ceil(ROWS) * call.columns();
    let mut sums = Buffer::<f32>::scratch(slices.len() * tiles * size_of::<Tile>() / size_of::<f32>());
    let sums = as_tiles(&mut sums);
    sums.par_chunks_exact_mut(tiles).zip(&slices).for_each(|(sums, slice)| {
        sums.par_chunks_mut(IN_TASK / ROWS * call.columns()).enumerate().for_each(|(task, sums)| {
            on_isa!(isa, add_samples(&call, *slice, task * IN_TASK, sums));
        });
    });
    let (sums, later) = sums.split_at_mut(tiles);
    for later in later.chunks_exact(tiles) {
        let later = later.as_flattened().as_flattened().as_flattened();
        let sums = sums.as_flattened_mut().as_flattened_mut().as_flattened_mut();
        sums.iter_mut().zip(later).for_each(|(sum, later)| *sum += later);
    }
    write_gradients(problem, dw, how, |to, term| {
        reduction::fold(sums[to / ROWS * call.columns() + term / TAPS][to % ROWS][term % TAPS])
    });
}

struct Call<'a> {
    problem: &'a Problem,
    copies: Shifted<'a>,
    /// Where each tap of each of the few channels reads, in the copies.
    shifts: Vec<usize>,
}

impl<'a> Call<'a> {
    fn new(problem: &'a Problem) -> Call<'a> {
        let copies = Shifted::new(problem);
        Call { problem, shifts: copies.shifts(), copies }
    }

    /// How many tiles the terms of a channel make.
    fn columns(&self) -> usize {
        self.shifts.len().div_ceil(TAPS)
    }
}

/// The sums of some of the many channels, from channel `first` on, over samples in order.
#[inline(always)]
fn add_samples<L: Vector<W>, const W: usize>(
    call: &Call<'_>,
    (few, many): (&[f32], &[f32]),
    first: usize,
    sums: &mut [Tile],
) {
    let (problem, size) = (call.problem, call.problem.places_size());
    let near = (NEAR / (problem.channels_in * problem.taps[1])).next_multiple_of(MAX_LANES);
    let (copies_len, few_len, many_len) = (call.copies.len(), problem.size_in(), problem.size_out());
    let together = (AT_ONCE / copies_len).clamp(1, few.len() / few_len);
    let mut copies = Buffer::<f32>::scratch(together * copies_len);
    sums.fill([[[0.0; MAX_LANES]; TAPS]; ROWS]);
    for (few, many) in few.chunks(together * few_len).zip(many.chunks(together * many_len)) {
        for (few, copies) in few.chunks_exact(few_len).zip(copies.chunks_exact_mut(copies_len)) {
            call.copies.write::<L, W>(few, copies);
        }
        for (group, sums) in sums.chunks_exact_mut(call.columns()).enumerate() {
            let samples = copies.chunks_exact(copies_len).zip(many.chunks_exact(many_len));
            let blocks = (0..size).step_by(near).map(|start| (start, near.min(size - start)));
            for ((copies, many), (start, len)) in samples.flat_map(|s| blocks.clone().map(move |b| (s, b))) {
                // Rows without a channel, and columns without a tap, repeat the last one; their sums are not read.
                let rows = std::array::from_fn(|i| {
                    let channel = (first + group * ROWS + i).min(problem.channels_out - 1);
                    &many[channel * size + start..][..len]
                });
                for (column, sums) in sums.iter_mut().enumerate() {
                    let taps = std::array::from_fn(|j| {
                        let term = (column * TAPS + j).min(call.shifts.len() - 1);
                        &copies[call.shifts[term] + start..][..len]
                    });
                    add_places::<L, W>(&rows, &taps, sums);
                }
            }
        }
    }
}
