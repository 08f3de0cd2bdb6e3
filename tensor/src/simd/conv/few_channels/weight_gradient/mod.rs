//! The gradient of the weights, with few channels on either side.

mod directly;
mod fours;

use super::Pass;
use crate::simd::Isa;
use crate::simd::gemm::Accumulate;
use crate::simd::vector::{MAX_LANES, Vector, behind};

/// Of the many channels, those of a tile.
const ROWS: usize = 4;
/// Taps of a tile.
const TAPS: usize = 3;

/// Of the many channels, those of a task, which is to make what is done with the few worth while.
const IN_TASK: usize = 16 * ROWS;

/// Sixteen sums for each channel and tap of a tile.
type Tile = [[[f32; MAX_LANES]; TAPS]; ROWS];

fn as_tiles(numbers: &mut [f32]) -> &mut [Tile] {
    numbers.as_chunks_mut().0.as_chunks_mut().0.as_chunks_mut().0
}

impl Pass {
    /// Whether the gradient of the weights is better not a product like any other.
    pub(in crate::simd) fn has_grad_weight(&self) -> bool {
        directly::applies(self) || fours::applies(self)
    }

    /// dW from the few channels that the pass reads, and gradients of the many that it puts out; or, of the pass from dY to dX, from
    /// dY and x.
    pub(in crate::simd) fn grad_weight(
        &self,
        isa: Isa,
        few: &[f32],
        many: &[f32],
        dw: &mut [f32],
        how: Accumulate,
    ) {
        if directly::applies(self) {
            directly::grad_weight(self, isa, few, many, dw, how);
        } else {
            fours::grad_weight(self, isa, few, many, dw, how);
        }
    }
}

/// The samples of both sides in slices, for a task each: how many they are is a function of the number of samples.
fn slices<'a>(pass: &Pass, few: &'a [f32], many: &'a [f32]) -> Vec<(&'a [f32], &'a [f32])> {
    const LEAST_SAMPLES: usize = 8;
    const MOST_SLICES: usize = 16;
    let samples = (few.len() / pass.size_from()).div_ceil(MOST_SLICES).max(LEAST_SAMPLES);
    few.chunks(samples * pass.size_from()).zip(many.chunks(samples * pass.size_to())).collect()
}

/// dW ← or += the gradients, of which `gradient` knows that of one of the many channels and a term.
fn write_gradients(pass: &Pass, dw: &mut [f32], how: Accumulate, gradient: impl Fn(usize, usize) -> f32) {
    let at = pass.weights();
    for to in 0..pass.to {
        for term in 0..at.first.len() {
            let dw = &mut dw[at.at(to, term)];
            match how {
                Accumulate::Overwrite => *dw = gradient(to, term),
                Accumulate::Add => *dw += gradient(to, term),
            }
        }
    }
}

/// Adds the products of all rows and taps at each place to its lane.
#[inline(always)]
fn add_places<L: Vector<W>, const W: usize>(rows: &[&[f32]; ROWS], taps: &[&[f32]; TAPS], sums: &mut Tile) {
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
                // SAFETY: all rows and taps are as long as the first row, so each has this part of this block. To ask every
                // time would take the registers that the sums need.
                #[inline(always)]
                |numbers| L::load(unsafe { &*numbers.as_ptr().add(at).cast() }),
            );
        }
        if !len.is_multiple_of(MAX_LANES) {
            // Zeros are added even where no number is left for this part: they change the sign of a zero, on every path alike.
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
