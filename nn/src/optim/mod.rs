//! Optimizers. A step is one fused pass over all parameters, a kernel of the tensor crate; Muon finds the directions of matrices first.

mod muon;
mod optimizer;
mod rule;

pub use optimizer::{Optimizer, StepOptions, StepReport, grad_norm};
pub use rule::OptimConfig;
