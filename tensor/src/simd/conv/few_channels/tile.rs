//! Tiles of accumulators, which stay in registers.

use crate::simd::vector::{Vector, behind};

/// The terms of a tile's sums, in order: each is a weight for every row of the tile, times the numbers of x from an offset on.
pub(super) struct Terms<'a, const ROWS: usize> {
    shifts: &'a [usize],
    weights: &'a [[f32; ROWS]],
    /// The largest of the shifts.
    furthest: usize,
}

impl<'a, const ROWS: usize> Terms<'a, ROWS> {
    pub(super) fn new(shifts: &'a [usize], weights: &'a [[f32; ROWS]]) -> Terms<'a, ROWS> {
        Terms { shifts, weights, furthest: shifts.iter().copied().max().unwrap_or(0) }
    }

    /// Adds all terms to each sum of a tile. Beyond its end, x counts as zeros.
    #[inline(always)]
    pub(super) fn add<L: Vector<W>, const VECTORS: usize, const W: usize>(
        &self,
        x: &[f32],
        sums: &mut [[L; VECTORS]; ROWS],
    ) {
        if self.furthest + VECTORS * W <= x.len() {
            self.add_from(
                sums,
                // SAFETY: `furthest` is the largest shift, and x was just found to have all of a tile's width from there on. A check at
                // each shift would take registers that the sums need.
                #[inline(always)]
                |shift| load(unsafe { x.get_unchecked(shift..shift + VECTORS * W) }),
            );
        } else {
            self.add_from(
                sums,
                #[inline(always)]
                |shift| load(behind(x, shift)),
            );
        }
    }

    #[inline(always)]
    fn add_from<L: Vector<W>, const VECTORS: usize, const W: usize>(
        &self,
        sums: &mut [[L; VECTORS]; ROWS],
        load: impl Fn(usize) -> [L; VECTORS],
    ) {
        // A local variable: the compiler keeps it in registers.
        let mut open = *sums;
        for (shift, weights) in self.shifts.iter().zip(self.weights) {
            let row = load(*shift);
            L::add_outer_product(weights, &row, &mut open);
        }
        *sums = open;
    }
}

/// Vectors of neighbouring numbers, and zeros where there are not enough.
#[inline(always)]
pub(super) fn load<L: Vector<W>, const VECTORS: usize, const W: usize>(from: &[f32]) -> [L; VECTORS] {
    let mut row = [L::zero(); VECTORS];
    if from.len() >= VECTORS * W {
        for j in 0..VECTORS {
            row[j] = L::load_some(&from[j * W..]);
        }
    } else {
        for j in 0..VECTORS {
            row[j] = L::load_some(behind(from, j * W));
        }
    }
    row
}

/// Stores as many numbers as there is room for.
#[inline(always)]
pub(super) fn store<L: Vector<W>, const VECTORS: usize, const W: usize>(row: [L; VECTORS], to: &mut [f32]) {
    if to.len() >= VECTORS * W {
        for j in 0..VECTORS {
            row[j].store_some(&mut to[j * W..]);
        }
    } else {
        for j in 0..VECTORS {
            // At most the end of `to`, as in `behind`.
            let at = to.len().min(j * W);
            row[j].store_some(&mut to[at..]);
        }
    }
}
