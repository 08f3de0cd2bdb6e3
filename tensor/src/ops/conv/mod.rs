//! Two-dimensional convolution, its output's shape, and its gradients.
//!
//! y[n, o, i, j] = bias[o] + Σ over c, u, v of w[o, c, u, v] · x[n, c, s·i + u − top, s·j + v − left],
//! with x zero outside the picture: the cross-correlation that neural networks call convolution.

mod convolve;
pub mod im2col;
mod options;
#[cfg(test)]
mod tests;

pub use convolve::{conv2d, conv2d_grad_bias, conv2d_grad_input, conv2d_grad_weight, conv2d_onto};
pub use options::{Conv2dOptions, Padding};
