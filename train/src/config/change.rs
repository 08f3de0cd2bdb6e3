//! What a later session of a run changed of its configuration.

use serde::{Deserialize, Serialize};
use std::fmt;

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

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Change { step, key, from, to } = self;
        write!(f, "{key} is {to} after step {step}, and was {from}")
    }
}

impl Change {
    /// Whether pictures painted after any later step are the same with it and without it.
    pub(crate) fn keeps_pictures(&self) -> bool {
        let of_pictures = ["train.steps", "train.time_budget", "train.decay_share"];
        self.key.starts_with("train.") && !of_pictures.contains(&self.key.as_str())
    }
}
