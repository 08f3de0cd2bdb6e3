//! Optimizers: one fused pass over all parameters a step.

mod optimizer;
mod rule;

pub use optimizer::{Optimizer, StepOptions, StepReport};
pub use rule::OptimConfig;
