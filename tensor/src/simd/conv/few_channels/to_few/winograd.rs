//! Partial sums four lines at a time, with half of the multiplications.
//!
//! Winograd's F(4, 3) down the columns: six lines of a channel become six *factors*, and so do the three taps of a column of the
//! window. Products of factors are summed over channels, and six sums become four lines of zᵤ. The factors of lines are used for all
//! channels out and all columns of the window; with fewer than three channels out they cost more than they save.

use super::column_sums::{ColumnSums, MAX_PLACES, ROWS, add_terms, places_of_tile, weights_of_tiles};
use crate::Buffer;
use crate::simd::Isa;
use crate::simd::conv::few_channels::lines::{Plane, transform_lines};
use crate::simd::conv::few_channels::prefetch::Prefetcher;
use crate::simd::conv::few_channels::problem::Problem;
use crate::simd::conv::few_channels::tile::Terms;
use crate::simd::conv::winograd::stride_one::{IN as FACTORS, Input, OUT as LINES, Output, Taps};
use crate::simd::vector::{Vector, on_isa};

/// The fewest channels out for which this pays.
const MIN_CHANNELS: usize = 3;
/// Numbers of all factors that are computed at once, so that the L2 cache holds them beside their sums.
const AT_ONCE: usize = 1 << 15;
/// The fewest channels in whose factors are computed at once: with fewer, sums would go to memory and back too often.
const MIN_TOGETHER: usize = 8;
/// The most channels in whose factors are computed at once.
const MAX_TOGETHER: usize = 16;

pub(in crate::simd) struct Winograd<'a> {
    problem: &'a Problem,
    /// For each factor, each tile of sums, and each channel in.
    weights: Buffer<f32>,
}

impl<'a> Winograd<'a> {
    /// Whether a problem to few channels can be computed like this, and that pays.
    pub(in crate::simd) fn applies(problem: &Problem) -> bool {
        problem.fits_fours() && problem.channels_out >= MIN_CHANNELS && together(problem) >= MIN_TOGETHER
    }

    pub(in crate::simd) fn new(isa: Isa, problem: &'a Problem, w: &[f32]) -> Winograd<'a> {
        let (at, [high, columns]) = (&problem.weights(), problem.taps);
        let taps = [0, 1, 2].map(|v| {
            weights_of_tiles(problem, problem.channels_in, |from, to, u| {
                w[at.at(to, (from * high + v) * columns + u)]
            })
        });
        let taps = taps.each_ref().map(|taps| taps.as_flattened());
        let mut weights = Buffer::scratch(FACTORS * taps[0].len());
        on_isa!(isa, factors_of_taps(&taps, &mut weights));
        Winograd { problem, weights }
    }

    /// Computes one sample.
    pub(in crate::simd) fn run(&self, isa: Isa, x: &[f32], bias: Option<&[f32]>, y: &mut [f32], add: bool) {
        on_isa!(isa, convolve(self, x, bias, y, add));
    }
}

/// How many channels' factors are computed at once.
fn together(problem: &Problem) -> usize {
    (AT_ONCE / (FACTORS * problem.fours() * problem.plane[1])).min(MAX_TOGETHER)
}

#[inline(always)]
fn factors_of_taps<L: Vector<W>, const W: usize>(taps: &[&[f32]; 3], weights: &mut [f32]) {
    transform_lines::<Taps, L, 3, FACTORS, W>(taps, taps[0].len(), weights, taps[0].len());
}

#[inline(always)]
fn convolve<L: Vector<W>, const W: usize>(
    call: &Winograd<'_>,
    x: &[f32],
    bias: Option<&[f32]>,
    y: &mut [f32],
    add: bool,
) {
    let problem = call.problem;
    let ([height, wide], plane_size) = (problem.plane, problem.plane_size());
    let (fours, together) = (problem.fours(), together(problem));
    let (size, stride) = (fours * wide, fours * wide + MAX_PLACES);
    let mut columns = ColumnSums::new(problem, fours * LINES);
    let groups = columns.groups();
    let mut sums = Buffer::<f32>::scratch(FACTORS * groups * ROWS * stride);
    let mut factors = Buffer::<f32>::scratch(FACTORS * together * stride);
    let shifts: [usize; MAX_TOGETHER] = std::array::from_fn(|channel| channel * stride);
    let outside = vec![0.0; wide];
    for (round, planes) in x.chunks(together * plane_size).enumerate() {
        for (channel, plane) in planes.chunks_exact(plane_size).enumerate() {
            let plane = Plane { numbers: plane, high: height, pitch: wide };
            let to = (&mut factors[channel * stride..], together * stride);
            plane.transform::<Input, L, FACTORS, FACTORS, W>((fours, problem.before[0]), &outside, to);
        }
        let channels = planes.len() / plane_size;
        let turns = FACTORS * groups * size.div_ceil(places_of_tile::<W>());
        let mut prefetcher =
            Prefetcher::new(planes.as_ptr_range().end, [together, plane_size, plane_size], turns);
        let factors = factors.chunks_exact(together * stride);
        let weights = call.weights.as_chunks().0.chunks_exact(groups * problem.channels_in);
        let sums = sums.chunks_exact_mut(groups * ROWS * stride);
        for ((factors, weights), sums) in factors.zip(weights).zip(sums) {
            for (weights, sums) in
                weights.chunks_exact(problem.channels_in).zip(sums.chunks_exact_mut(ROWS * stride))
            {
                let terms = Terms::new(&shifts[..channels], &weights[round * together..][..channels]);
                add_terms::<L, W>(&terms, factors, (sums, stride), size, round == 0, &mut prefetcher);
            }
        }
    }
    for (row, z) in columns.planes_mut().enumerate() {
        for four in 0..fours {
            let mut lines = [&[][..]; FACTORS];
            for p in 0..FACTORS {
                lines[p] = &sums[(p * groups * ROWS + row) * stride + four * wide..][..wide];
            }
            let z = &mut z[four * LINES * wide..];
            transform_lines::<Output, L, FACTORS, LINES, W>(&lines, wide, z, wide);
        }
    }
    columns.add_up::<L, W>(problem, bias, y, add);
}
