//! Optimizers: one fused pass over all parameters a step.

mod optimizer;
mod rule;

pub use optimizer::{Optimizer, StepReport};
pub use rule::OptimConfig;
