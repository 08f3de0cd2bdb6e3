//! Pictures changed with a model that has learnt to paint: a part repainted, variations, ways between two, and the
//! noise that a picture comes from.

mod inpaint;
mod interpolate;
mod inversion;
mod sdedit;

pub use inpaint::{Inpaint, Known};
pub use interpolate::{lerp, slerp};
pub use inversion::Inversion;
pub use sdedit::SdEdit;
