//! What training minimises.

mod objective;
mod target;
mod weighting;

pub use objective::{Loss, LossValue, Objective};
pub use target::target;
pub use weighting::Weighting;
