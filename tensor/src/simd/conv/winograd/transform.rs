//! Transforms of tiles: a matrix is applied to columns and to rows, for several channels at once.

use crate::simd::vector::Vector;
use std::mem::MaybeUninit;

/// A transform of C numbers to R.
pub(in crate::simd) trait Transform<const R: usize, const C: usize> {
    fn apply<L: Vector<W>, const W: usize>(x: [L; C]) -> [L; R];
}

/// M·d·Mᵀ: M is applied to the columns of d, then to the rows of the result. `load(r, c)` is element (r, c) of d, and `store(r, c, x)`
/// takes an element of the result.
#[inline(always)]
pub(super) fn sandwich<M: Transform<R, C>, L: Vector<W>, const R: usize, const C: usize, const W: usize>(
    load: impl Fn(usize, usize) -> L,
    mut store: impl FnMut(usize, usize, L),
) {
    // Uninitialised: zeros would be written to memory for every tile, and the values would be kept there.
    let mut half = [[const { MaybeUninit::<L>::uninit() }; C]; R];
    for c in 0..C {
        let mut column = [L::zero(); C];
        for r in 0..C {
            column[r] = load(r, c);
        }
        let column = M::apply(column);
        for r in 0..R {
            half[r][c].write(column[r]);
        }
    }
    for r in 0..R {
        let mut row = [L::zero(); C];
        for c in 0..C {
            // SAFETY: the loop above has written column c of each of the R rows.
            row[c] = unsafe { half[r][c].assume_init() };
        }
        let row = M::apply(row);
        for c in 0..R {
            store(r, c, row[c]);
        }
    }
}

#[cfg(test)]
pub(super) mod checks {
    use super::super::layout::LANES;
    use super::*;
    use crate::simd::vector::PortableVector;

    /// A transform of numbers.
    pub(in super::super) fn apply<M: Transform<R, C>, const R: usize, const C: usize>(
        x: [f32; C],
    ) -> [f32; R] {
        M::apply(x.map(|x| PortableVector::load(&[x; LANES]))).map(|x| {
            let mut lanes = [0.0; LANES];
            x.store(&mut lanes);
            lanes[7]
        })
    }

    /// Panics unless one transform's matrix is the transpose of the other's.
    pub(in super::super) fn assert_adjoint<
        M: Transform<R, C>,
        A: Transform<C, R>,
        const R: usize,
        const C: usize,
    >() {
        fn unit<const N: usize>(index: usize) -> [f32; N] {
            std::array::from_fn(|i| if i == index { 1.0 } else { 0.0 })
        }
        for r in 0..R {
            for c in 0..C {
                let (there, back) = (apply::<M, R, C>(unit(c))[r], apply::<A, C, R>(unit(r))[c]);
                assert!((there - back).abs() < 1e-6, "({r}, {c}): {there} and {back}");
            }
        }
    }
}
