//! Numeric kernels, forward and backward, as plain functions.

mod binary;
#[cfg(test)]
mod check;
mod combine;
mod group_norm;
mod lanes;
mod layer_norm;
mod odometer;
mod pieces;
mod reduce;
mod softmax;
mod total;
mod unary;

pub use binary::{Binary, add_assign, axpy, binary, broadcast_to};
pub use combine::combine;
pub use group_norm::{NormGradients, NormStats, group_norm, group_norm_backward};
pub use layer_norm::{layer_norm, layer_norm_backward};
pub use reduce::{max_axis, mean, mean_axis, sum, sum_axis, sum_to};
pub use softmax::{
    cross_entropy, cross_entropy_backward, log_softmax, log_softmax_backward, softmax, softmax_backward,
};
pub use total::{
    dot, mean_square_per_sample, mse, mse_backward, sum_squares, weighted_mse, weighted_mse_backward,
};
pub use unary::{Reads, Unary, add_scalar, affine, scale, unary, unary_backward};
