//! Numeric kernels, forward and backward, as plain functions.

mod binary;
#[cfg(test)]
mod check;
mod combine;
mod lanes;
mod odometer;
mod pieces;
mod reduce;
mod total;
mod unary;

pub use binary::{Binary, add_assign, axpy, binary, broadcast_to};
pub use combine::combine;
pub use reduce::{max_axis, mean, mean_axis, sum, sum_axis, sum_to};
pub use total::{
    dot, mean_square_per_sample, mse, mse_backward, sum_squares, weighted_mse, weighted_mse_backward,
};
pub use unary::{Reads, Unary, add_scalar, affine, scale, unary, unary_backward};
