//! The painter and the two-dimensional laboratory in a web page: what a worker of the page calls.
//!
//! Requests come in, and facts go out, as JSON; numbers go out as typed arrays. The pages' own scripts do nothing but show them.
#![forbid(unsafe_code)]

mod kernels;
mod painter;
mod plane;
mod refusal;

pub use kernels::{bits, kernels};
pub use painter::{Painted, Painter, samplers};
pub use plane::{Field, Plane, Taken, distributions};
