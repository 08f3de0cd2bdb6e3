//! Which method computes a convolution of f32: the one place where that is decided.
//!
//! | direction | condition, the first that holds | route |
//! | --- | --- | --- |
//! | all | 3 × 3, stride 1 or 2, at least 16 channels on both sides, tiles that hardly exceed the picture (`winograd::applies`) | [`Route::Winograd`] |
//! | forward, gradient of the input | stride 1, at most 4 channels in or out, at least 64 places (`few_channels::Problem`) | [`Route::FewChannels`] |
//! | gradient of the weights | the same, in either direction; few terms, or long columns of three taps (`few_channels::GradWeightMethod`) | [`Route::FewChannelsWeights`] |
//! | gradient of the weights | stride 1, more channels in than out, x hardly larger than y | [`Route::ProductTransposed`] |
//! | all | | [`Route::Product`] |
//!
//! All conditions are functions of one sample's shape, so no sample's bits depend on how many are computed with it.

use super::few_channels::{ConvolveMethod, GradWeightMethod, Problem};
use super::geometry::{Direction, Geometry};
use super::winograd;

/// The method that computes a convolution.
pub(super) enum Route {
    /// Minimal filtering: fewer multiplications.
    Winograd,
    /// Few channels on one side, forward or in the gradient of the input: pictures are read where they lie.
    FewChannels(Problem, ConvolveMethod),
    /// The gradient of the weights, with few channels on one side.
    FewChannelsWeights {
        problem: Problem,
        method: GradWeightMethod,
        /// Whether x has the few channels; dY has them otherwise.
        few_in: bool,
    },
    /// A product of matrices, one of which is X, whose panels are packed from the pictures.
    Product,
    /// The gradient of the weights as X · dYᵀ instead of dY · Xᵀ: the larger operand is read where it lies, and the smaller one is
    /// packed under the mirrored window.
    ProductTransposed,
}

impl Route {
    pub(super) fn of(g: &Geometry, direction: Direction) -> Route {
        if winograd::applies(g) {
            return Route::Winograd;
        }
        let few = |problem: Option<Problem>| {
            let problem = problem?;
            let method = ConvolveMethod::of(&problem);
            Some(Route::FewChannels(problem, method))
        };
        let few_weights = |problem: Option<Problem>, few_in: bool| {
            let problem = problem?;
            let method = GradWeightMethod::of(&problem)?;
            Some(Route::FewChannelsWeights { problem, method, few_in })
        };
        let route = match direction {
            Direction::Forward => few(Problem::forward(g)),
            Direction::GradInput => few(Problem::backward(g)),
            Direction::GradWeight => few_weights(Problem::forward(g), true)
                .or_else(|| few_weights(Problem::backward(g), false))
                .or_else(|| is_better_transposed(g).then_some(Route::ProductTransposed)),
        };
        route.unwrap_or(Route::Product)
    }
}

/// Whether x, which has more channels than y, has hardly more pixels, so that it is the operand to leave where it lies.
fn is_better_transposed(g: &Geometry) -> bool {
    g.stride == 1
        && g.mirrored_before().is_some()
        && g.channels_in > g.channels_out
        && 4 * g.plane[0] * g.plane[1] <= 5 * g.places[0] * g.places[1]
}

#[cfg(test)]
mod tests;
