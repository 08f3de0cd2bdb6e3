//! Measuring a trained model on a data set.

mod bound;
mod likelihood;
mod pictures;

pub use bound::{BoundRequest, bound};
pub use likelihood::{LikelihoodEstimate, LikelihoodRequest, likelihood};
