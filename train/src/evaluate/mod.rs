//! Measuring a trained model on a data set.

mod bound;
mod pictures;

pub use bound::{BoundRequest, bound};
