use crate::kernels::Kernels;

/// What tensors are made of: `f32` for training and sampling, `f64` for proofs.
///
/// A [`Number`](crate::Number) that this crate's kernels are written for. No other type can implement it.
pub trait Element: Kernels {}

impl Element for f32 {}
impl Element for f64 {}
