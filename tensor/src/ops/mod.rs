//! Numeric kernels, forward and backward, as plain functions.
//!
//! What a kernel's backward pass reads is an argument of its `…_backward`, and nothing else is. A tensor taken by
//! value is overwritten in place when nobody else holds it. Work is cut into pieces of constant size, sums are
//! taken in a fixed number of lanes and folded in a fixed order: results have the same bits on any number of
//! threads and on every instruction set.

mod attention;
mod bilinear;
mod binary;
#[cfg(any(test, feature = "test-util"))]
pub mod bits;
mod combine;
pub(crate) mod conv;
mod embedding;
mod gelu;
pub(crate) mod group_norm;
mod layer_norm;
mod layout;
mod linear;
mod matmul;
mod max_pool;
mod modulation;
mod odometer;
mod optimizer;
mod orthogonal;
mod permute;
mod pieces;
mod reduce;
mod resize;
mod softmax;
pub(crate) mod statistics;
mod total;
mod unary;

pub use attention::{attention, attention_backward, token_attention, token_attention_backward};
pub use bilinear::resize_bilinear;
pub use binary::{Binary, add_assign, axpy, binary, broadcast_to};
pub use combine::combine;
pub use conv::im2col;
pub use conv::{
    Conv2dOptions, Padding, conv2d, conv2d_grad_bias, conv2d_grad_input, conv2d_grad_weight, conv2d_onto,
};
pub use embedding::{gather, scatter_add};
pub use gelu::gelu_tanh_backward_and_value;
pub use group_norm::{NormGradients, NormStats, group_norm, group_norm_backward};
pub use layer_norm::{layer_norm, layer_norm_backward};
pub use layout::{concat, flip_horizontal, narrow, narrow_backward, split};
pub use linear::linear;
pub use matmul::{matmul, matmul_into, matmul_into_with, matmul_with};
pub use max_pool::max_pool2d;
pub use modulation::{
    ModulationGradients, gated_sum, gated_sum_backward, modulated_norm, modulated_norm_backward,
    modulated_norm_from_stats,
};
pub use optimizer::{AdamStep, SgdStep, Update, UpdateRule, global_norm, optimizer_step};
pub use orthogonal::orthogonalise;
pub use permute::{inverse_permutation, permute, transpose_last};
pub use reduce::{KeepDim, max_axis, mean, mean_axis, sum, sum_axis, sum_to};
pub use resize::{
    avg_pool2d, avg_pool2d_backward, crop2d, pad2d, upsample_nearest, upsample_nearest_backward,
};
pub use softmax::{
    cross_entropy, cross_entropy_backward, log_softmax, log_softmax_backward, softmax, softmax_backward,
};
pub use total::{dot, mse, mse_backward, sum_squares};
pub use unary::{Reads, Unary, add_scalar, affine, scale, unary, unary_backward};
