//! What the exercises ask for, computed by the library.

mod autograd;
mod bound;
mod conditioning;
mod editing;
mod forward;
mod frequencies;
mod kernels;
mod metrics;
mod nn;
mod posterior;
mod samplers;
mod tensor;
mod training;
mod tweedie;
mod weights;

use tweedie_diffusion::Schedule;

/// The name of an answer, and what computes it.
pub(crate) type Answer = (&'static str, fn() -> f64);

/// All answers of the book.
pub(crate) fn all() -> Vec<Answer> {
    [
        tensor::ANSWERS,
        kernels::ANSWERS,
        autograd::ANSWERS,
        nn::ANSWERS,
        conditioning::ANSWERS,
        forward::ANSWERS,
        posterior::ANSWERS,
        bound::ANSWERS,
        weights::ANSWERS,
        tweedie::ANSWERS,
        frequencies::ANSWERS,
        samplers::ANSWERS,
        training::ANSWERS,
        editing::ANSWERS,
        metrics::ANSWERS,
    ]
    .concat()
}

/// β from 10⁻⁴ to 0.02 in 1000 steps (Ho et al. 2020).
fn linear() -> Schedule {
    Schedule::linear(1000, 1e-4, 0.02).unwrap()
}
