//! Numeric kernels, forward and backward, as plain functions.

mod binary;
#[cfg(test)]
mod check;
mod combine;
pub(crate) mod conv;
pub mod im2col;
mod lanes;
mod matmul;
mod odometer;
mod pieces;
mod reduce;
mod total;
mod unary;

pub use binary::{Binary, add_assign, axpy, binary, broadcast_to};
pub use combine::combine;
pub use conv::{Conv2d, Convolve, Padding, conv2d, conv2d_grad_bias, conv2d_grad_input, conv2d_grad_weight};
pub use matmul::{matmul, matmul_into};
pub use reduce::{max_axis, mean, mean_axis, sum, sum_axis, sum_to};
pub use total::{
    dot, mean_square_per_sample, mse, mse_backward, sum_squares, weighted_mse, weighted_mse_backward,
};
pub use unary::{Reads, Unary, add_scalar, affine, scale, unary, unary_backward};
