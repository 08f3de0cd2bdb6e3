//! Numeric kernels, forward and backward, as plain functions.

mod binary;
#[cfg(test)]
mod check;
mod combine;
mod odometer;
mod pieces;
mod unary;

pub use binary::{Binary, add_assign, axpy, binary, broadcast_to};
pub use combine::combine;
pub use unary::{Reads, Unary, add_scalar, affine, scale, unary, unary_backward};
