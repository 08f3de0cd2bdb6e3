//! Two outputs of a window of three taps that moves by two, with five multiplications instead of six; in two dimensions 25
//! instead of 36.
//!
//! The outputs y₀ = d₀w₀ + d₁w₁ + d₂w₂ and y₁ = d₂w₀ + d₃w₁ + d₄w₂ are sums of two convolutions of stride 1: of the pixels with even
//! index under w₀ and w₂, and of those with odd index under w₁. Winograd's F(2, 2) needs three products for the first one,
//!
//! y₀ = (d₀ − d₂) w₀ + d₂ (w₀ + w₂), y₁ = d₂ (w₀ + w₂) + (d₄ − d₂) w₂,
//!
//! and the second one's products are added to the first and the last of these sums: m₀ = (d₀ − d₂) w₀ + d₁w₁, m₁ = d₂ (w₀ + w₂),
//! m₂ = (d₄ − d₂) w₂ + d₃w₁.
//!
//! The gradient of the input has the same two parts, transposed: every other pixel is x₁w₀ + x₀w₂, where x is dY, and the pixels in
//! between are x w₁.

use super::transform::Transform;
use crate::simd::vector::Vector;

/// Outputs of a tile along each axis.
pub(super) const OUT: usize = 2;
/// Inputs of a tile along each axis.
pub(super) const IN: usize = 2 * OUT + 1;
/// Factors that three taps become.
pub(super) const TAP_FACTORS: usize = 4;
/// Sums of products.
pub(super) const SUMS: usize = 3;

/// Pixels to factors, as many.
pub(super) struct Input;
/// Taps to factors.
pub(super) struct Taps;
/// Sums to outputs.
pub(super) struct Output;
/// Gradients of outputs to gradients of sums.
pub(super) struct OutputAdjoint;
/// Gradients of factors to gradients of taps.
pub(super) struct TapsAdjoint;

impl Transform<IN, IN> for Input {
    /// d₀ − d₂, d₁, d₂, d₃, d₄ − d₂.
    #[inline(always)]
    fn apply<L: Vector<W>, const W: usize>([d0, d1, d2, d3, d4]: [L; IN]) -> [L; IN] {
        [d0.sub(d2), d1, d2, d3, d4.sub(d2)]
    }
}

impl Transform<TAP_FACTORS, 3> for Taps {
    /// w₀, w₁, w₀ + w₂, w₂.
    #[inline(always)]
    fn apply<L: Vector<W>, const W: usize>([w0, w1, w2]: [L; 3]) -> [L; TAP_FACTORS] {
        [w0, w1, w0.add(w2), w2]
    }
}

impl Transform<OUT, SUMS> for Output {
    /// m₀ + m₁, m₁ + m₂.
    #[inline(always)]
    fn apply<L: Vector<W>, const W: usize>([m0, m1, m2]: [L; SUMS]) -> [L; OUT] {
        [m0.add(m1), m1.add(m2)]
    }
}

impl Transform<SUMS, OUT> for OutputAdjoint {
    /// The columns of [`Output`].
    #[inline(always)]
    fn apply<L: Vector<W>, const W: usize>([y0, y1]: [L; OUT]) -> [L; SUMS] {
        [y0, y0.add(y1), y1]
    }
}

impl Transform<3, TAP_FACTORS> for TapsAdjoint {
    /// The columns of [`Taps`].
    #[inline(always)]
    fn apply<L: Vector<W>, const W: usize>([p0, p1, p2, p3]: [L; TAP_FACTORS]) -> [L; 3] {
        [p0.add(p2), p1, p2.add(p3)]
    }
}

/// Inputs of a tile along each axis in the gradient of the input: places of dY.
pub(super) const BACK_IN: usize = 3;
/// Factors that these become.
pub(super) const BACK_FACTORS: usize = 4;
/// Products, each of which is a sum of its own.
pub(super) const BACK_SUMS: usize = 5;
/// Pixels of a tile.
pub(super) const BACK_OUT: usize = 4;

/// Places of dY to factors. With `ODD` padding a tile begins at a pixel that meets one tap.
pub(super) struct BackInput<const ODD: bool>;
/// Products to pixels.
pub(super) struct BackOutput<const ODD: bool>;

impl<const ODD: bool> Transform<BACK_FACTORS, BACK_IN> for BackInput<ODD> {
    /// x₀ − x₁, x₁, x₂ − x₁, and what the second pixel of one tap needs.
    #[inline(always)]
    fn apply<L: Vector<W>, const W: usize>([x0, x1, x2]: [L; BACK_IN]) -> [L; BACK_FACTORS] {
        [x0.sub(x1), x1, x2.sub(x1), if ODD { x0 } else { x2 }]
    }
}

impl<const ODD: bool> Transform<BACK_OUT, BACK_SUMS> for BackOutput<ODD> {
    /// Pixels of two taps are m₀ + m₁ and m₁ + m₂, those of one m₃ = x₁w₁ and m₄.
    #[inline(always)]
    fn apply<L: Vector<W>, const W: usize>([m0, m1, m2, m3, m4]: [L; BACK_SUMS]) -> [L; BACK_OUT] {
        let (first, second) = (m0.add(m1), m1.add(m2));
        if ODD { [m4, first, m3, second] } else { [first, m3, second, m4] }
    }
}

#[cfg(test)]
mod tests {
    use super::super::scheme::Scheme;
    use super::super::transform::checks::{apply, assert_adjoint};
    use super::*;

    const W: [f32; 3] = [2.0, 6.0, -5.0];

    fn sums<const N: usize>(scheme: Scheme, taps: [f32; TAP_FACTORS], inputs: &[f32]) -> [f32; N] {
        let mut sums = [0.0; N];
        for term in scheme.axis().terms {
            sums[term.sum] += taps[term.tap] * inputs[term.input];
        }
        sums
    }

    #[test]
    fn two_outputs_of_a_window_that_moves_by_two() {
        let d = [3.0, -1.0, 4.0, 1.0, -5.0];
        let sums = sums(Scheme::StrideTwo, apply::<Taps, TAP_FACTORS, 3>(W), &apply::<Input, IN, IN>(d));
        let expected = [0, 2].map(|i| d[i] * W[0] + d[i + 1] * W[1] + d[i + 2] * W[2]);
        assert_eq!(apply::<Output, OUT, SUMS>(sums), expected);
    }

    /// Pixel p, counted from the padding's first, is the sum of w[t]·dY[(p − t) / 2] where that is a place.
    fn pixels<const ODD: bool>(dy: [f32; BACK_IN]) -> [f32; BACK_OUT] {
        let mirrored = [W[2], W[1], W[0]];
        let inputs = apply::<BackInput<ODD>, BACK_FACTORS, BACK_IN>(dy);
        let sums =
            sums(Scheme::BackwardOfStrideTwo { odd: ODD }, apply::<Taps, TAP_FACTORS, 3>(mirrored), &inputs);
        let pixels = apply::<BackOutput<ODD>, BACK_OUT, BACK_SUMS>(sums);
        // Even pixels of two taps lie between places, the first one between those with numbers 0 and 1.
        let first = if ODD { 1 } else { 2 };
        let expected = std::array::from_fn(|i| {
            let meets = |tap: usize| {
                let twice = first + i;
                let place = twice.checked_sub(tap).filter(|p| p.is_multiple_of(2)).map(|p| p / 2);
                place.and_then(|place| dy.get(place)).map_or(0.0, |dy| W[tap] * dy)
            };
            (0..3).map(meets).sum()
        });
        assert_eq!(pixels, expected);
        expected
    }

    #[test]
    fn gradients_of_four_pixels() {
        let dy = [3.0, -1.0, 4.0];
        assert_eq!(pixels::<false>(dy)[0], dy[1] * W[0] + dy[0] * W[2]);
        assert_eq!(pixels::<true>(dy)[0], dy[0] * W[1]);
    }

    #[test]
    fn adjoints_are_transposes() {
        assert_adjoint::<Output, OutputAdjoint, OUT, SUMS>();
        assert_adjoint::<Taps, TapsAdjoint, TAP_FACTORS, 3>();
    }
}
