//! What of the metrics is not written yet when a checkpoint is.

use super::window::Window;
use serde::{Deserialize, Serialize};

/// The state of a run's metrics at a step, so that the lines after it come out as those of a run that nobody stopped.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct JournalState {
    /// The steps since the last line.
    pub(crate) since_line: Window,
    /// The steps since the last checkpoint that was due by the configuration.
    pub(crate) since_checkpoint: Window,
    /// Steps since the last line whose update was left out.
    pub(crate) skipped_since_line: u64,
    /// Steps of the whole run whose update was left out.
    pub(crate) skipped: u64,
    /// The last of these that follow each other.
    pub(crate) skipped_in_a_row: u64,
    /// How often the run went back to a checkpoint.
    pub(crate) rolled_back: u64,
    /// What the last step measured.
    pub(crate) last_step: Option<LastStep>,
    /// Whether a line is due after this very step and not written, because the run was stopped while it validated.
    pub(crate) owes_line: bool,
    /// Whether the line of this step stands there only because it was the run's last.
    pub(crate) line_only_ends: bool,
    /// Whether the validation of this step's line does.
    pub(crate) validation_only_ends: bool,
}

/// What a line of the metrics says of the last step alone.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) struct LastStep {
    pub(crate) grad_norm: f64,
    pub(crate) learning_rate: f64,
}
