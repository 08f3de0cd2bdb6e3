//! Sums in sixteen lanes, whatever the vectors' width, so that each path returns the same bits.

use super::Isa;
use crate::reduction;
use crate::simd::vector::{MAX_LANES as LANES, MAX_PARTS, Vector, on_isa};
use std::ops::Range;

/// How many numbers are added to the lanes before these are folded into f64, so that rounding errors stay near those of a few dozen
/// additions.
pub(super) const RUN: usize = reduction::run(LANES);

/// The sum over planes of `pixels` numbers, whose starts are `stride` apart, the first at the start of `numbers`.
pub(crate) fn of_planes(isa: Isa, numbers: &[f32], pixels: usize, stride: usize) -> f32 {
    on_isa!(isa, sum_of_planes(numbers, pixels, stride))
}

#[inline(always)]
fn sum_of_planes<L: Vector<W>, const W: usize>(numbers: &[f32], pixels: usize, stride: usize) -> f32 {
    let together = (RUN / pixels.max(1)).max(1);
    let mut total = 0.0;
    for planes in numbers.chunks(together * stride) {
        let mut lanes = [L::zero(); MAX_PARTS];
        for plane in planes.chunks(stride) {
            let plane = &plane[..pixels];
            each_vector::<W>(
                pixels,
                #[inline(always)]
                |part, at| lanes[part] = lanes[part].add(L::load_some(&plane[at])),
            );
        }
        total += fold::<L, W>(lanes);
    }
    total as f32
}

/// A sum over numbers: `add(sum, numbers)` adds the terms of up to a vector of numbers to a vector of sums.
#[inline(always)]
pub(super) fn sum<L: Vector<W>, const W: usize>(numbers: &[f32], add: impl Fn(L, &[f32]) -> L) -> f64 {
    let mut total = 0.0;
    for run in numbers.chunks(RUN) {
        let mut lanes = [L::zero(); MAX_PARTS];
        each_vector::<W>(
            run.len(),
            #[inline(always)]
            |part, at| lanes[part] = add(lanes[part], &run[at]),
        );
        total += fold::<L, W>(lanes);
    }
    total
}

/// Calls `visit(part, range)` for vectors that cover `len` numbers; the last one may be shorter. `part` is the vector's place among
/// the vectors that make up sixteen lanes.
#[inline(always)]
pub(super) fn each_vector<const W: usize>(len: usize, mut visit: impl FnMut(usize, Range<usize>)) {
    let whole = len / LANES * LANES;
    for start in (0..whole).step_by(LANES) {
        for part in 0..LANES / W {
            let at = start + part * W;
            visit(part, at..at + W);
        }
    }
    for part in 0..LANES / W {
        let at = whole + part * W;
        if at < len {
            visit(part, at..len.min(at + W));
        }
    }
}

/// The sum of the lanes of the registers that make up sixteen, folded as [`crate::reduction`] folds.
#[inline(always)]
pub(super) fn fold<L: Vector<W>, const W: usize>(lanes: [L; MAX_PARTS]) -> f64 {
    let mut all = [0.0; LANES];
    for part in 0..LANES / W {
        lanes[part].store_part(&mut all, part);
    }
    f64::from(reduction::fold(all))
}
