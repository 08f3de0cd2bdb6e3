//! What a run will need, before it begins: memory by part, work, and what would fit.
//!
//! Nothing here knows the layers of a network. The code of a step runs on tensors without numbers
//! ([`tweedie_tensor::rehearse`]), so that the estimate follows the code.

mod rehearsal;
mod room;
mod scaling;

pub use rehearsal::{StepCost, inference, training};
pub(crate) use room::fits_at;
pub use room::{
    Memory, Plan, Recomputation, check_pictures, check_room, check_steps, check_training, pictures_in_memory,
    readable_bytes,
};
pub use scaling::{Network, Scaling, step_on};
