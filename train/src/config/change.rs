//! What a later session of a run changed of its configuration.

use serde::{Deserialize, Serialize};

/// A key of the configuration that is another one from a step on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// The steps done before the change: it counts from the next one on.
    pub step: u64,
    /// The key, as in `optimizer.learning_rate`.
    pub key: String,
    /// What it was before, as TOML has it, or `unset`.
    pub from: String,
    /// What it is since.
    pub to: String,
}
