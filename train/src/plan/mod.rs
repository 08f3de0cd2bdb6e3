//! What a run will need, before it begins: memory by part, work, and what would fit.
//!
//! Nothing here knows the layers of a network. A step is gone through as it will be, on tensors without numbers
//! ([`tweedie_tensor::rehearse`]), so that what is foreseen follows the code by itself.

mod rehearsal;
mod room;

pub use rehearsal::{StepCost, inference, training};
pub use room::{Memory, Plan, check_pictures, check_steps, check_training, said};
