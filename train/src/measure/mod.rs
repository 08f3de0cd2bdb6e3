//! Measuring: a trained model against a data set, painted pictures against real ones, closed forms against what the
//! program computes, and the machine against its own peak.

pub mod bench;
mod bound;
mod captions;
pub mod features;
mod likelihood;
mod pass;
mod pictures;
pub mod plane;
pub mod spectrum;
pub mod verify;

pub use bound::{BoundMeasurement, BoundRequest, bound};
pub use captions::{CaptionScore, CaptionTest};
pub use likelihood::{
    LikelihoodEstimate, LikelihoodMeasurement, LikelihoodRequest, PictureLikelihood, likelihood,
};
pub use pass::Pass;
