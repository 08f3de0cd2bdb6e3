//! The section `optimizer`.

use serde::{Deserialize, Serialize};
use tweedie_nn::optim::OptimConfig;

/// How weights are moved, after a linear warm-up.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct OptimizerConfig {
    /// Which optimizer, with its constants.
    pub rule: OptimConfig,
    /// The learning rate after the warm-up.
    pub learning_rate: f64,
    /// Gradients are scaled down to this global norm.
    pub clip: f64,
    /// Steps over which the learning rate rises from 0.
    pub warmup: u64,
    /// The step from which the learning rate falls to 0 at `train.steps`; unset, it stays. A time budget sets it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decay_start: Option<u64>,
}

impl Default for OptimizerConfig {
    fn default() -> Self {
        OptimizerConfig {
            rule: OptimConfig::AdamW { beta1: 0.9, beta2: 0.99, eps: 1e-8, weight_decay: 0.01 },
            learning_rate: 1e-3,
            clip: 1.0,
            warmup: 100,
            decay_start: None,
        }
    }
}
