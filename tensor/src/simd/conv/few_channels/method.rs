//! Which method computes a convolution with few channels on one side.

use super::problem::Problem;
use super::{from_few, to_few, weight_gradient};
use crate::simd::Isa;
use crate::simd::conv::addend::Bias;
use crate::simd::gemm::Accumulate;
use rayon::prelude::*;

/// How a convolution is computed: a forward pass, or the gradient of the input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::simd::conv) enum ConvolveMethod {
    /// Copies of the few channels that are read, one for each column of the window.
    FromFew,
    /// Partial sums for each column of the window, of the few channels that are written, term by term.
    ToFew,
    /// The same, four lines at a time, by Winograd's F(4, 3) down the columns.
    ToFewWinograd,
}

impl ConvolveMethod {
    pub(in crate::simd::conv) fn of(problem: &Problem) -> ConvolveMethod {
        if !problem.is_to_few() {
            ConvolveMethod::FromFew
        } else if to_few::Winograd::applies(problem) {
            ConvolveMethod::ToFewWinograd
        } else {
            ConvolveMethod::ToFew
        }
    }

    /// y ← or += w ∗ x + bias.
    pub(in crate::simd::conv) fn convolve(
        self,
        problem: &Problem,
        isa: Isa,
        x: &[f32],
        w: &[f32],
        bias: Bias<'_, f32>,
        y: &mut [f32],
        add: bool,
    ) {
        let samples = y.par_chunks_exact_mut(problem.size_out()).zip(x.par_chunks_exact(problem.size_in()));
        let samples =
            samples.enumerate().map(|(sample, (y, x))| (x, bias.of(sample, problem.channels_out), y));
        match self {
            ConvolveMethod::FromFew => {
                let call = from_few::FromFew::new(isa, problem, w, samples.len());
                samples.for_each(|(x, bias, y)| call.run(isa, x, bias, y, add));
            }
            ConvolveMethod::ToFewWinograd => {
                let call = to_few::Winograd::new(isa, problem, w);
                samples.for_each(|(x, bias, y)| call.run(isa, x, bias, y, add));
            }
            ConvolveMethod::ToFew => {
                let call = to_few::Direct::new(problem, w);
                samples.for_each(|(x, bias, y)| call.run(isa, x, bias, y, add));
            }
        }
    }
}

/// How the gradient of the weights is computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::simd::conv) enum GradWeightMethod {
    /// Sums of products of places, term by term.
    Direct,
    /// The same, four lines at a time: the adjoint of Winograd's F(4, 3) down the columns.
    Winograd,
}

impl GradWeightMethod {
    /// `None` if a product of matrices is faster.
    pub(in crate::simd::conv) fn of(problem: &Problem) -> Option<GradWeightMethod> {
        if weight_gradient::direct::applies(problem) {
            Some(GradWeightMethod::Direct)
        } else if weight_gradient::winograd::applies(problem) {
            Some(GradWeightMethod::Winograd)
        } else {
            None
        }
    }

    /// dW from the few channels that a forward pass reads, and the gradients of the many that it writes; or, for the problem from
    /// dY to dX, from dY and x.
    pub(in crate::simd::conv) fn grad_weight(
        self,
        problem: &Problem,
        isa: Isa,
        few: &[f32],
        many: &[f32],
        dw: &mut [f32],
        how: Accumulate,
    ) {
        match self {
            GradWeightMethod::Direct => {
                weight_gradient::direct::grad_weight(problem, isa, few, many, dw, how)
            }
            GradWeightMethod::Winograd => {
                weight_gradient::winograd::grad_weight(problem, isa, few, many, dw, how);
            }
        }
    }
}
