//! Which products a tile needs, and which of them are added up.

use super::bands::Tiles;
use super::{stride_one, stride_two};
use crate::simd::conv::geometry::Geometry;

/// Along one axis, a window of three taps over a tile of pixels: taps and pixels become *factors*, products of these are
/// added up, and the sums become outputs. In two dimensions, and for the gradients, everything follows from that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scheme {
    /// Stride 1, F(4, 3): see [`stride_one`].
    Dense,
    /// Stride 2: see [`stride_two`].
    Halving,
    /// The gradient of the input of [`Halving`](Scheme::Halving).
    Doubling {
        /// Whether the padding is.
        odd: bool,
    },
}

/// A product: the number of its tap's factor, that of its input's, and that of the sum it is added to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Term {
    pub(super) tap: usize,
    pub(super) input: usize,
    pub(super) sum: usize,
}

/// The numbers of a scheme along an axis.
#[derive(Debug, Clone, Copy)]
pub(super) struct Axis {
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
    /// For each sum the first output that it goes to.
    pub(super) first_outputs: &'static [usize],
    pub(super) terms: &'static [Term],
}

const fn term(tap: usize, input: usize, sum: usize) -> Term {
    Term { tap, input, sum }
}

static DENSE: Axis = Axis {
    span: stride_one::IN,
    step: stride_one::OUT,
    out: stride_one::OUT,
    tap_factors: stride_one::IN,
    input_factors: stride_one::IN,
    sums: stride_one::IN,
    first_outputs: &[0, 0, 0, 0, 0, 3],
    terms: &[term(0, 0, 0), term(1, 1, 1), term(2, 2, 2), term(3, 3, 3), term(4, 4, 4), term(5, 5, 5)],
};

static HALVING: Axis = Axis {
    span: stride_two::IN,
    step: 2 * stride_two::OUT,
    out: stride_two::OUT,
    tap_factors: stride_two::TAP_FACTORS,
    input_factors: stride_two::IN,
    sums: stride_two::SUMS,
    first_outputs: &[0, 0, 1],
    terms: &[term(0, 0, 0), term(1, 1, 0), term(2, 2, 1), term(1, 3, 2), term(3, 4, 2)],
};

static DOUBLING_EVEN: Axis = Axis {
    span: stride_two::BACK_IN,
    step: stride_two::BACK_OUT / 2,
    out: stride_two::BACK_OUT,
    tap_factors: stride_two::TAP_FACTORS,
    input_factors: stride_two::BACK_FACTORS,
    sums: stride_two::BACK_SUMS,
    first_outputs: &[0, 0, 2, 1, 3],
    terms: &[term(0, 0, 0), term(2, 1, 1), term(3, 2, 2), term(1, 1, 3), term(1, 3, 4)],
};

static DOUBLING_ODD: Axis = Axis { first_outputs: &[1, 1, 3, 2, 0], ..DOUBLING_EVEN };

impl Scheme {
    #[cfg(test)]
    pub(super) const ALL: [Scheme; 4] =
        [Scheme::Dense, Scheme::Halving, Scheme::Doubling { odd: false }, Scheme::Doubling { odd: true }];

    /// That of a forward pass and of its gradient of the weights, and that of its gradient of the input.
    pub(super) fn pair(g: &Geometry) -> [Scheme; 2] {
        match g.stride {
            1 => [Scheme::Dense; 2],
            _ => [Scheme::Halving, Scheme::Doubling { odd: g.before[0] % 2 == 1 }],
        }
    }

    pub(super) fn axis(self) -> &'static Axis {
        match self {
            Scheme::Dense => &DENSE,
            Scheme::Halving => &HALVING,
            Scheme::Doubling { odd: false } => &DOUBLING_EVEN,
            Scheme::Doubling { odd: true } => &DOUBLING_ODD,
        }
    }
}

impl Axis {
    /// The products of a tile in two dimensions: each number is now that of a pair, down and across. Ordered by `key`.
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

    /// Tiles for so many outputs, down and across.
    pub(super) fn tiles(&self, outputs: [usize; 2]) -> [usize; 2] {
        outputs.map(|n| n.div_ceil(self.out))
    }

    /// The tiles that so many outputs read, of a plane with zeros before it.
    pub(super) fn inputs(&self, plane: [usize; 2], before: [usize; 2], outputs: [usize; 2]) -> Tiles {
        Tiles { plane, before, count: self.tiles(outputs), span: self.span, step: self.step }
    }
}
