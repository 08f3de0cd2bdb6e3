//! What the exercises ask for, computed by the library.

mod autograd;
mod bound;
mod cluster;
mod conditioning;
mod data;
mod diffusion;
mod editing;
mod forward;
mod frequencies;
mod kernels;
mod laboratory;
mod metrics;
mod models;
mod nn;
mod performance;
mod posterior;
mod reliability;
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
        diffusion::ANSWERS,
        forward::ANSWERS,
        posterior::ANSWERS,
        bound::ANSWERS,
        weights::ANSWERS,
        tweedie::ANSWERS,
        frequencies::ANSWERS,
        samplers::ANSWERS,
        laboratory::ANSWERS,
        training::ANSWERS,
        data::ANSWERS,
        models::ANSWERS,
        editing::ANSWERS,
        metrics::ANSWERS,
        performance::ANSWERS,
        reliability::ANSWERS,
        cluster::ANSWERS,
    ]
    .concat()
}

/// β from 10⁻⁴ to 0.02 in 1000 steps (Ho et al. 2020).
fn linear() -> Schedule {
    Schedule::linear(1000, 1e-4, 0.02).unwrap()
}
