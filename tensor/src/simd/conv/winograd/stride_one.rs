//! The matrices of Winograd's minimal filtering F(4, 3).
//!
//! m outputs of a filter of 3 taps from α = m + 2 inputs, with α multiplications instead of 3 m:
//! y = Aᵀ [(G g) ⊙ (Bᵀ d)] (Lavin and Gray 2016, eq. 6); in two dimensions each transform is applied to rows and to
//! columns (eq. 8). The matrices come from evaluating polynomials at α − 1 points and infinity.

use super::transform::Transform;
use crate::simd::vector::Vector;

/// Outputs of a tile along each axis.
pub(in crate::simd) const OUT: usize = 4;
/// Inputs of a tile along each axis.
pub(in crate::simd) const IN: usize = OUT + 2;

/// Bᵀ: inputs to factors.
pub(in crate::simd) struct Input;
/// G: taps to factors.
pub(in crate::simd) struct Taps;
/// Aᵀ: sums to outputs.
pub(in crate::simd) struct Output;
/// A, the adjoint of Aᵀ: gradients of outputs to gradients of sums.
pub(in crate::simd) struct OutputAdjoint;
/// Gᵀ: gradients of factors to gradients of taps.
pub(in crate::simd) struct TapsAdjoint;

// The points are 0, ±P, ±Q and infinity. The customary P = 1, Q = 2 saves multiplications; with P·Q = 1 the transforms' numbers are
// closer in size, and the rounding error is halved. In the comments p and q stand for P and Q, and N(p) = 2 p² (p² − q²) is the product
// of p's distances to the other points.
const P: f32 = std::f32::consts::FRAC_1_SQRT_2;
const Q: f32 = std::f32::consts::SQRT_2;
const P2: f32 = 0.5;
const Q2: f32 = 2.0;
const P3: f32 = P * P2;
const Q3: f32 = Q * Q2;
const NP: f32 = 2.0 * P2 * (P2 - Q2);
const NQ: f32 = 2.0 * Q2 * (Q2 - P2);
const N0: f32 = P2 * Q2;

impl Transform<IN, IN> for Input {
    /// (p²q², 0, −p²−q², 0, 1, 0), (0, ∓p q², −q², ±p, 1, 0), (0, ∓q p², −p², ±q, 1, 0), (0, p²q², 0, −p²−q², 0, 1).
    #[inline(always)]
    fn apply<L: Vector<W>, const W: usize>(x: [L; IN]) -> [L; IN] {
        let [x0, x1, x2, x3, x4, x5] = x;
        let (even, odd) = (x2.mul_add(-Q2, x4), x1.mul_add(-Q2, x3));
        let (even2, odd2) = (x2.mul_add(-P2, x4), x1.mul_add(-P2, x3));
        [
            x0.mul_add(N0, x2.mul_add(-P2 - Q2, x4)),
            odd.mul_add(P, even),
            odd.mul_add(-P, even),
            odd2.mul_add(Q, even2),
            odd2.mul_add(-Q, even2),
            x1.mul_add(N0, x3.mul_add(-P2 - Q2, x5)),
        ]
    }
}

impl Transform<IN, 3> for Taps {
    /// (1, 0, 0) / p²q², (1, ±p, p²) / N(p), (1, ±q, q²) / N(q), (0, 0, 1).
    #[inline(always)]
    fn apply<L: Vector<W>, const W: usize>(x: [L; 3]) -> [L; IN] {
        let [x0, x1, x2] = x;
        let even = x2.mul_add(P2, x0).scale(1.0 / NP);
        let even2 = x2.mul_add(Q2, x0).scale(1.0 / NQ);
        [
            x0.scale(1.0 / N0),
            x1.mul_add(P / NP, even),
            x1.mul_add(-P / NP, even),
            x1.mul_add(Q / NQ, even2),
            x1.mul_add(-Q / NQ, even2),
            x2,
        ]
    }
}

impl Transform<OUT, IN> for Output {
    /// Powers 0 to 3 of the points 0, p, −p, q, −q; the last power of infinity.
    #[inline(always)]
    fn apply<L: Vector<W>, const W: usize>(x: [L; IN]) -> [L; OUT] {
        let [x0, x1, x2, x3, x4, x5] = x;
        let (even, odd, even2, odd2) = (x1.add(x2), x1.sub(x2), x3.add(x4), x3.sub(x4));
        [
            x0.add(even).add(even2),
            odd2.mul_add(Q, odd.scale(P)),
            even2.mul_add(Q2, even.scale(P2)),
            odd2.mul_add(Q3, odd.mul_add(P3, x5)),
        ]
    }
}

impl Transform<IN, OUT> for OutputAdjoint {
    /// The columns of [`Output`].
    #[inline(always)]
    fn apply<L: Vector<W>, const W: usize>(x: [L; OUT]) -> [L; IN] {
        let [x0, x1, x2, x3] = x;
        let (even, odd) = (x2.mul_add(P2, x0), x3.mul_add(P2, x1));
        let (even2, odd2) = (x2.mul_add(Q2, x0), x3.mul_add(Q2, x1));
        [x0, odd.mul_add(P, even), odd.mul_add(-P, even), odd2.mul_add(Q, even2), odd2.mul_add(-Q, even2), x3]
    }
}

impl Transform<3, IN> for TapsAdjoint {
    /// The columns of [`Taps`].
    #[inline(always)]
    fn apply<L: Vector<W>, const W: usize>(x: [L; IN]) -> [L; 3] {
        let [x0, x1, x2, x3, x4, x5] = x;
        let (even, odd, even2, odd2) = (x1.add(x2), x1.sub(x2), x3.add(x4), x3.sub(x4));
        [
            x0.mul_add(1.0 / N0, even2.mul_add(1.0 / NQ, even.scale(1.0 / NP))),
            odd2.mul_add(Q / NQ, odd.scale(P / NP)),
            even2.mul_add(Q2 / NQ, even.mul_add(P2 / NP, x5)),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::super::transform::checks::{apply, assert_adjoint};
    use super::*;

    #[test]
    fn four_outputs_of_three_taps() {
        let d = [3.0, -1.0, 4.0, 1.0, -5.0, 9.0];
        let g = [2.0, 6.0, -5.0];
        let (v, u) = (apply::<Input, IN, IN>(d), apply::<Taps, IN, 3>(g));
        let y = apply::<Output, OUT, IN>(std::array::from_fn(|i| v[i] * u[i]));
        for (i, y) in y.into_iter().enumerate() {
            let expected = d[i] * g[0] + d[i + 1] * g[1] + d[i + 2] * g[2];
            assert!((y - expected).abs() < 1e-4, "{y} for {expected}");
        }
    }

    #[test]
    fn adjoints_are_transposes() {
        assert_adjoint::<Output, OutputAdjoint, OUT, IN>();
        assert_adjoint::<Taps, TapsAdjoint, IN, 3>();
    }
}
