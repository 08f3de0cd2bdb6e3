//! Transforms of tiles: a matrix applied to rows and to columns, several channels at once.

use crate::simd::vector::Vector;
use std::mem::MaybeUninit;

/// A transform of C numbers to R.
pub(in crate::simd) trait Transform<const R: usize, const C: usize> {
    fn apply<L: Vector<W>, const W: usize>(x: [L; C]) -> [L; R];
}

/// M·d·Mᵀ: to columns, then to rows. Element (r, c) of d is `load(r, c)`.
#[inline(always)]
pub(super) fn sandwich<M: Transform<R, C>, L: Vector<W>, const R: usize, const C: usize, const W: usize>(
    load: impl Fn(usize, usize) -> L,
    mut store: impl FnMut(usize, usize, L),
) {
    // Zeros here would be written to memory for every tile, and the values kept there.
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
            // SAFETY: all columns of all rows were written above.
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

    /// Whether one transform's matrix is the other's, turned.
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
