//! Differentiable operations, one file a family: forward and vector-Jacobian product side by side.
//!
//! Most are methods of [`crate::Var`]; operations of several equal operands are functions here.

mod attention;
mod binary;
mod conv;
mod embedding;
mod gate;
mod layout;
mod linear;
mod loss;
mod matmul;
mod norm;
mod reduce;
mod resize;
mod softmax;
mod unary;

pub use attention::{attention, token_attention};
pub use conv::conv2d_onto;
pub use embedding::gather;
pub use layout::concat;
pub use loss::{cross_entropy, mse};
pub use matmul::Transposed;
