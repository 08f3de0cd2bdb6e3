//! Which products a tile needs, and to which sums they are added.

use super::bands::Tiles;
use super::{stride_one, stride_two};
use crate::simd::conv::geometry::Geometry;

/// How a window of three taps is applied to a tile of pixels along one axis: taps and pixels become *factors*, products of factors are
/// added to sums, and the sums become outputs. Two dimensions, and the gradients, follow from that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scheme {
    /// Stride 1, F(4, 3): see [`stride_one`]. Its gradient of the input is another convolution of stride 1.
    UnitStride,
    /// Stride 2: see [`stride_two`].
    StrideTwo,
    /// The gradient of the input of [`StrideTwo`](Scheme::StrideTwo).
    BackwardOfStrideTwo {
        /// Whether the padding is odd.
        odd: bool,
    },
}

/// A product: the indices of the taps' factor, of the input's factor, and of the sum that it is added to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Term {
    pub(super) tap: usize,
    pub(super) input: usize,
    pub(super) sum: usize,
}

/// A scheme along one axis.
#[derive(Debug, Clone, Copy)]
pub(super) struct AxisScheme {
    /// Pixels that a tile reads.
    pub(super) span: usize,
    /// Pixels from one tile's first to the next tile's.
    pub(super) step: usize,
    /// Outputs of a tile.
    pub(super) out: usize,
    /// Factors that three taps become.
    pub(super) tap_factors: usize,
    /// Factors that a tile becomes.
    pub(super) input_factors: usize,
    /// Sums of products.
    pub(super) sums: usize,
    /// For each sum, the first output that it is added to.
    pub(super) first_outputs: &'static [usize],
    pub(super) terms: &'static [Term],
}

const fn term(tap: usize, input: usize, sum: usize) -> Term {
    Term { tap, input, sum }
}

static STRIDE_ONE: AxisScheme = AxisScheme {
    span: stride_one::IN,
    step: stride_one::OUT,
    out: stride_one::OUT,
    tap_factors: stride_one::IN,
    input_factors: stride_one::IN,
    sums: stride_one::IN,
    first_outputs: &[0, 0, 0, 0, 0, 3],
    terms: &[term(0, 0, 0), term(1, 1, 1), term(2, 2, 2), term(3, 3, 3), term(4, 4, 4), term(5, 5, 5)],
};

static STRIDE_TWO: AxisScheme = AxisScheme {
    span: stride_two::IN,
    step: 2 * stride_two::OUT,
    out: stride_two::OUT,
    tap_factors: stride_two::TAP_FACTORS,
    input_factors: stride_two::IN,
    sums: stride_two::SUMS,
    first_outputs: &[0, 0, 1],
    terms: &[term(0, 0, 0), term(1, 1, 0), term(2, 2, 1), term(1, 3, 2), term(3, 4, 2)],
};

static STRIDE_TWO_BACK_EVEN: AxisScheme = AxisScheme {
    span: stride_two::BACK_IN,
    step: stride_two::BACK_OUT / 2,
    out: stride_two::BACK_OUT,
    tap_factors: stride_two::TAP_FACTORS,
    input_factors: stride_two::BACK_FACTORS,
    sums: stride_two::BACK_SUMS,
    first_outputs: &[0, 0, 2, 1, 3],
    terms: &[term(0, 0, 0), term(2, 1, 1), term(3, 2, 2), term(1, 1, 3), term(1, 3, 4)],
};

static STRIDE_TWO_BACK_ODD: AxisScheme =
    AxisScheme { first_outputs: &[1, 1, 3, 2, 0], ..STRIDE_TWO_BACK_EVEN };

impl Scheme {
    #[cfg(test)]
    pub(super) const ALL: [Scheme; 4] = [
        Scheme::UnitStride,
        Scheme::StrideTwo,
        Scheme::BackwardOfStrideTwo { odd: false },
        Scheme::BackwardOfStrideTwo { odd: true },
    ];

    /// The scheme of a forward pass and of its gradient of the weights, and the scheme of its gradient of the input.
    pub(super) fn pair(g: &Geometry) -> [Scheme; 2] {
        match g.stride {
            1 => [Scheme::UnitStride; 2],
            _ => [Scheme::StrideTwo, Scheme::BackwardOfStrideTwo { odd: g.before[0] % 2 == 1 }],
        }
    }

    pub(super) fn axis(self) -> &'static AxisScheme {
        match self {
            Scheme::UnitStride => &STRIDE_ONE,
            Scheme::StrideTwo => &STRIDE_TWO,
            Scheme::BackwardOfStrideTwo { odd: false } => &STRIDE_TWO_BACK_EVEN,
            Scheme::BackwardOfStrideTwo { odd: true } => &STRIDE_TWO_BACK_ODD,
        }
    }
}

impl AxisScheme {
    /// The products of a tile in two dimensions, where each index is that of a pair (down, across). Sorted by `key`.
    pub(super) fn terms_by(&self, key: impl Fn(&Term) -> usize) -> Vec<Term> {
        let pair = |down: &Term, right: &Term| Term {
            tap: down.tap * self.tap_factors + right.tap,
            input: down.input * self.input_factors + right.input,
            sum: down.sum * self.sums + right.sum,
        };
        let across = |down| self.terms.iter().map(move |right| pair(down, right));
        let mut terms: Vec<Term> = self.terms.iter().flat_map(across).collect();
        terms.sort_by_key(key);
        terms
    }

    /// How many tiles cover so many outputs, down and across.
    pub(super) fn tiles(&self, outputs: [usize; 2]) -> [usize; 2] {
        outputs.map(|n| n.div_ceil(self.out))
    }

    /// The tiles of pixels that so many outputs read, over a plane with zeros before it.
    pub(super) fn inputs(&self, plane: [usize; 2], before: [usize; 2], outputs: [usize; 2]) -> Tiles {
        Tiles { plane, before, count: self.tiles(outputs), span: self.span, step: self.step }
    }
}
