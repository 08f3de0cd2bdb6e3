//! The gradient of the weights four lines of places at a time, with half of the multiplications: the adjoint of Winograd's F(4, 3)
//! down the columns.
//!
//! Four lines of the many channels become six *factors*, and so do the six lines of the few channels' copies that meet them. Products
//! of factors are summed over all groups of four lines, and six sums become the gradients of a column of three taps.

use super::places::{IN_TASK, ROWS, TAPS, Tile, add_places, as_tiles, slices, write_gradients};
use crate::Buffer;
use crate::reduction;
use crate::simd::Isa;
use crate::simd::conv::few_channels::lines::Plane;
use crate::simd::conv::few_channels::prefetch::Prefetcher;
use crate::simd::conv::few_channels::problem::Problem;
use crate::simd::conv::padded::Padded;
use crate::simd::conv::winograd::stride_one::{
    IN as FACTORS, Input, OUT as LINES, OutputAdjoint, TapsAdjoint,
};
use crate::simd::conv::winograd::transform::Transform;
use crate::simd::gemm::Accumulate;
use crate::simd::gemm::Window;
use crate::simd::vector::{MAX_LANES, Vector, on_isa};
use rayon::prelude::*;

/// How many of the many channels' factors are computed at once. For all of these, each factor of the few channels is read from the L2
/// cache once.
const TOGETHER: usize = 4 * ROWS;
const _: () = assert!(IN_TASK.is_multiple_of(TOGETHER));
/// The fewest numbers of a factor of a sample's plane: shorter lines cost more than they save.
const MIN_SIZE: usize = 128;
/// The most numbers of all factors of the few channels, so that the L2 cache holds them beside the others.
const MAX_NUMBERS: usize = 1 << 15;
/// Numbers of a factor that are summed at once: those of several samples, if planes are small.
const RUN: usize = 256;
/// Taps of a column of the window.
const HIGH: usize = 3;

pub(in crate::simd::conv::few_channels) fn applies(problem: &Problem) -> bool {
    let numbers = FACTORS * columns_of_taps(problem) * size(problem);
    problem.fits_fours() && problem.is_from_few() && size(problem) >= MIN_SIZE && numbers <= MAX_NUMBERS
}

/// Columns of taps of all the few channels.
fn columns_of_taps(problem: &Problem) -> usize {
    problem.channels_in * problem.taps[1]
}

/// Numbers of a factor of a sample's plane.
fn size(problem: &Problem) -> usize {
    problem.fours() * problem.places[1]
}

pub(in crate::simd::conv::few_channels) fn grad_weight(
    problem: &Problem,
    isa: Isa,
    few: &[f32],
    many: &[f32],
    dw: &mut [f32],
    how: Accumulate,
) {
    let slices = slices(problem, few, many);
    let of_channel = columns_of_taps(problem) * HIGH;
    let mut parts = Buffer::<f32>::scratch(slices.len() * problem.channels_out * of_channel);
    parts.par_chunks_exact_mut(problem.channels_out * of_channel).zip(&slices).for_each(|(part, slice)| {
        part.par_chunks_mut(IN_TASK * of_channel).enumerate().for_each(|(task, part)| {
            on_isa!(isa, add_samples(problem, *slice, task * IN_TASK, part));
        });
    });
    let (sums, later) = parts.split_at_mut(problem.channels_out * of_channel);
    for later in later.chunks_exact(sums.len()) {
        sums.iter_mut().zip(later).for_each(|(sum, later)| *sum += later);
    }
    write_gradients(problem, dw, how, |to, term| sums[to * of_channel + term]);
}

/// The gradients of some of the many channels, from channel `first` on, over the samples of a slice in order. They are written in the
/// order of terms.
#[inline(always)]
fn add_samples<L: Vector<W>, const W: usize>(
    problem: &Problem,
    (few, many): (&[f32], &[f32]),
    first: usize,
    gradients: &mut [f32],
) {
    let (size, columns, places) = (size(problem), columns_of_taps(problem), problem.places_size());
    let (channels, tiles) = (gradients.len() / (columns * HIGH), columns.div_ceil(TAPS));
    let in_run = (RUN / size).clamp(1, few.len() / problem.size_in());
    let mut of_few = Buffer::<f32>::scratch(FACTORS * columns * in_run * size);
    let mut of_many = Buffer::<f32>::scratch(FACTORS * TOGETHER * in_run * size);
    let outside = vec![0.0; problem.places[1]];
    let groups = channels.div_ceil(ROWS);
    let mut sums = Buffer::<f32>::scratch(groups * FACTORS * tiles * size_of::<Tile>() / size_of::<f32>());
    let sums = as_tiles(&mut sums);
    sums.fill([[[0.0; MAX_LANES]; TAPS]; ROWS]);
    let samples = few.chunks(in_run * problem.size_in()).zip(many.chunks(in_run * problem.size_out()));
    for (few, many) in samples {
        let run = few.len() / problem.size_in() * size;
        for (sample, few) in few.chunks_exact(problem.size_in()).enumerate() {
            factors_of_few::<L, W>(problem, few, &outside, (&mut of_few[sample * size..], run));
        }
        for (block, sums) in sums.chunks_mut(TOGETHER / ROWS * FACTORS * tiles).enumerate() {
            let (start, next) = (first + block * TOGETHER, first + (block + 1) * TOGETHER);
            let rows = sums.len() / (FACTORS * tiles) * ROWS;
            for row in 0..rows {
                // Rows without a channel repeat the last one; their sums are not read.
                let channel = (start + row).min(problem.channels_out - 1);
                for (sample, many) in many.chunks_exact(problem.size_out()).enumerate() {
                    let plane = &many[channel * places..][..places];
                    let to = (&mut of_many[row * run + sample * size..], run);
                    factors_of_many::<L, W>(problem, plane, &outside, to);
                }
            }
            let after = if next < first + channels { next * places } else { many.len() + first * places };
            let after = many.as_ptr().wrapping_add(after);
            let mut prefetcher =
                Prefetcher::new(after, [run / size, TOGETHER * places, problem.size_out()], sums.len());
            let planes = (&of_few[..FACTORS * columns * run], &of_many[..], run);
            add_products::<L, W>(planes, sums, &mut prefetcher);
        }
    }
    for (channel, gradients) in gradients.chunks_exact_mut(columns * HIGH).enumerate() {
        let sums = &sums[channel / ROWS * FACTORS * tiles..];
        for column in 0..columns {
            let of_factor = |p: usize| &sums[p * tiles + column / TAPS][channel % ROWS][column % TAPS];
            let (from, u) = (column / problem.taps[1], column % problem.taps[1]);
            for (v, gradient) in of_column::<L, W>(of_factor).into_iter().enumerate() {
                gradients[(from * HIGH + v) * problem.taps[1] + u] = gradient;
            }
        }
    }
}

/// Adds the products of some groups of rows and all columns of taps, factor by factor, over planes of `run` numbers.
#[inline(always)]
fn add_products<L: Vector<W>, const W: usize>(
    (of_few, of_many, run): (&[f32], &[f32], usize),
    sums: &mut [Tile],
    prefetcher: &mut Prefetcher,
) {
    let columns = of_few.len() / (FACTORS * run);
    let tiles = columns.div_ceil(TAPS);
    for p in 0..FACTORS {
        for (group, sums) in sums.chunks_exact_mut(FACTORS * tiles).enumerate() {
            let mut rows = [&[][..]; ROWS];
            for i in 0..ROWS {
                rows[i] = &of_many[(p * TOGETHER + group * ROWS + i) * run..][..run];
            }
            for (tile, sums) in sums[p * tiles..][..tiles].iter_mut().enumerate() {
                prefetcher.advance::<L, W>();
                let mut taps = [&[][..]; TAPS];
                for j in 0..TAPS {
                    // Where a tile has fewer columns of taps, the last one is repeated.
                    let column = (tile * TAPS + j).min(columns - 1);
                    taps[j] = &of_few[(p * columns + column) * run..][..run];
                }
                add_places::<L, W>(&rows, &taps, sums);
            }
        }
    }
}

/// The gradients of a column of taps from the sums of its factors.
#[inline(always)]
fn of_column<'s, L: Vector<W>, const W: usize>(sums: impl Fn(usize) -> &'s [f32; MAX_LANES]) -> [f32; HIGH] {
    let mut gradients = [[0.0; MAX_LANES]; HIGH];
    for part in 0..MAX_LANES / W {
        let mut x = [L::zero(); FACTORS];
        for p in 0..FACTORS {
            x[p] = L::load_part(sums(p), part);
        }
        let y = TapsAdjoint::apply(x);
        for v in 0..HIGH {
            y[v].store_part(&mut gradients[v], part);
        }
    }
    gradients.map(reduction::fold)
}

/// The factors of a sample's few channels: a plane for each factor and each column of taps.
#[inline(always)]
fn factors_of_few<L: Vector<W>, const W: usize>(
    problem: &Problem,
    few: &[f32],
    outside: &[f32],
    (to, stride): (&mut [f32], usize),
) {
    let (columns, wide) = (columns_of_taps(problem), problem.places[1]);
    let window = Window::new([problem.fours() * LINES, wide], problem.taps, 1);
    let layout = Padded::new(problem.plane, problem.before, &window);
    let mut padded = Buffer::<f32>::scratch(layout.size());
    let mut column = 0;
    for plane in few.chunks_exact(problem.plane_size()) {
        layout.write(plane, &mut padded);
        for u in 0..problem.taps[1] {
            let (numbers, pitch) = (&padded[u..], window.plane[1]);
            let plane = Plane { numbers, high: window.plane[0], pitch };
            let to = (&mut to[column * stride..], columns * stride);
            plane.transform::<Input, L, FACTORS, FACTORS, W>((problem.fours(), 0), outside, to);
            column += 1;
        }
    }
}

/// The factors of one of a sample's many channels: a plane for each factor.
#[inline(always)]
fn factors_of_many<L: Vector<W>, const W: usize>(
    problem: &Problem,
    plane: &[f32],
    outside: &[f32],
    (to, stride): (&mut [f32], usize),
) {
    let plane = Plane { numbers: plane, high: problem.places[0], pitch: problem.places[1] };
    let to = (to, TOGETHER * stride);
    plane.transform::<OutputAdjoint, L, LINES, FACTORS, W>((problem.fours(), 0), outside, to);
}
