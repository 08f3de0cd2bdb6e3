//! Measuring a trained model on a data set.

mod bound;
mod captions;
mod pictures;

pub use bound::{BoundRequest, bound};
pub use captions::{CaptionScore, captions};
