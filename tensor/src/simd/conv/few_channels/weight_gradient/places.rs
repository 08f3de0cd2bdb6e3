//! Sums over places of products of the many channels and the few, and how the gradient of the weights is written.

use crate::simd::conv::few_channels::problem::Problem;
use crate::simd::gemm::Accumulate;
use crate::simd::vector::{MAX_LANES, Vector, behind};

/// Channels of a tile, of those that are many.
pub(super) const ROWS: usize = 4;
/// Taps of a tile.
pub(super) const TAPS: usize = 3;

/// Channels of a task, of those that are many: each task repeats the work on the few.
pub(super) const IN_TASK: usize = 16 * ROWS;

/// Sixteen sums for each channel and tap of a tile, one in each lane.
pub(super) type Tile = [[[f32; MAX_LANES]; TAPS]; ROWS];

pub(super) fn as_tiles(numbers: &mut [f32]) -> &mut [Tile] {
    numbers.as_chunks_mut().0.as_chunks_mut().0.as_chunks_mut().0
}

/// The samples of both sides in slices, one for each task. How many there are is a function of the number of samples.
pub(super) fn slices<'a>(problem: &Problem, few: &'a [f32], many: &'a [f32]) -> Vec<(&'a [f32], &'a [f32])> {
    const MIN_SAMPLES: usize = 8;
    const MAX_SLICES: usize = 16;
    let samples = (few.len() / problem.size_in()).div_ceil(MAX_SLICES).max(MIN_SAMPLES);
    few.chunks(samples * problem.size_in()).zip(many.chunks(samples * problem.size_out())).collect()
}

/// dW ← or += the gradients; `gradient(channel, term)` is the one of a channel of the many and a term.
pub(super) fn write_gradients(
    problem: &Problem,
    dw: &mut [f32],
    how: Accumulate,
    gradient: impl Fn(usize, usize) -> f32,
) {
    let at = problem.weights();
    for to in 0..problem.channels_out {
        for term in 0..at.terms() {
            let dw = &mut dw[at.at(to, term)];
            match how {
                Accumulate::Overwrite => *dw = gradient(to, term),
                Accumulate::Add => *dw += gradient(to, term),
            }
        }
    }
}

/// Adds the products of all rows and taps: those of place p to lane p mod 16.
#[inline(always)]
pub(super) fn add_places<L: Vector<W>, const W: usize>(
    rows: &[&[f32]; ROWS],
    taps: &[&[f32]; TAPS],
    sums: &mut Tile,
) {
    let len = rows[0].len();
    assert!(rows.iter().chain(taps).all(|numbers| numbers.len() == len));
    for part in 0..MAX_LANES / W {
        let mut open = [[L::zero(); TAPS]; ROWS];
        for i in 0..ROWS {
            for j in 0..TAPS {
                open[i][j] = L::load_part(&sums[i][j], part);
            }
        }
        for block in 0..len / MAX_LANES {
            let at = block * MAX_LANES + part * W;
            add_block(
                &mut open,
                rows,
                taps,
                // SAFETY: all rows and taps were found to have `len` numbers, and this block of sixteen ends within them, so each has
                // this vector of it. A check at each load would take registers that the sums need.
                #[inline(always)]
                |numbers| L::load(unsafe { &*numbers.as_ptr().add(at).cast() }),
            );
        }
        if !len.is_multiple_of(MAX_LANES) {
            // Zeros are added even if no number is left for this part, since that can change the sign of a zero: every path must do it.
            let rest = len / MAX_LANES * MAX_LANES + part * W;
            add_block(
                &mut open,
                rows,
                taps,
                #[inline(always)]
                |numbers| L::load_some(behind(numbers, rest)),
            );
        }
        for i in 0..ROWS {
            for j in 0..TAPS {
                open[i][j].store_part(&mut sums[i][j], part);
            }
        }
    }
}

#[inline(always)]
fn add_block<L: Vector<W>, const W: usize>(
    open: &mut [[L; TAPS]; ROWS],
    rows: &[&[f32]; ROWS],
    taps: &[&[f32]; TAPS],
    load: impl Fn(&[f32]) -> L,
) {
    let mut x = [L::zero(); TAPS];
    for j in 0..TAPS {
        x[j] = load(taps[j]);
    }
    for i in 0..ROWS {
        let y = load(rows[i]);
        for j in 0..TAPS {
            open[i][j] = y.product_add(x[j], open[i][j]);
        }
    }
}
