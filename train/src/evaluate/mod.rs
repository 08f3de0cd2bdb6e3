//! Measuring a trained model on a data set.

mod bound;
mod captions;
mod likelihood;
mod pictures;

pub use bound::{BoundRequest, bound};
pub use captions::{CaptionScore, captions};
pub use likelihood::{LikelihoodEstimate, LikelihoodRequest, likelihood};
