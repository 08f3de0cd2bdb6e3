//! Models in diffusers' folder format, in any of its layouts.

mod index;
mod json;
pub(super) mod layout;
pub(super) mod open;
pub(super) mod sampler;
pub(super) mod scheduler;
mod weights;
