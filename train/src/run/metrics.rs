//! The lines of a run's record.

use crate::{Error, Result};
use serde::{Deserialize, Serialize};
use std::path::Path;

/// How well and how fast a run learns, and in how much memory: the same numbers in the metrics, in the terminal, in the
/// report and in the summary.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    /// The mean loss of the steps since the line before.
    pub loss: f64,
    /// Pictures a second in those steps.
    pub images_per_second: f64,
    /// Resident memory, MiB; 0 where the system does not tell.
    pub rss_mib: u64,
}

/// One logged step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Metrics {
    /// Steps done.
    pub step: u64,
    /// Loss, pace and memory.
    #[serde(flatten)]
    pub measured: Measured,
    /// The share of the time of those steps in which they waited for their pictures.
    #[serde(default)]
    pub data_wait: f64,
    /// The mean unweighted squared error of the samples whose t lies in each tenth of 1..T; null where none did.
    pub loss_by_decile: [Option<f64>; 10],
    /// The global norm of the last step's gradient, before clipping.
    pub grad_norm: f64,
    /// The last step's learning rate.
    pub learning_rate: f64,
    /// Seconds of training so far, all sessions together.
    pub seconds: f64,
    /// Steps since the line before whose update was left out as it was not finite, where there were any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub skipped: Option<u64>,
    /// What several ranks have taken together; none for one process.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ranks: Option<RankMetrics>,
    /// The loss on held-out pictures with the averaged weights, where this line measured it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub validation: Option<f64>,
    /// The mean unweighted squared error on them in each tenth of 1..T, likewise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub validation_by_decile: Option<[Option<f64>; 10]>,
}

/// How the ranks of a run have gone together since the line before.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct RankMetrics {
    /// How many there are.
    pub size: usize,
    /// The share of the time in which a rank waits for others, the mean over the ranks.
    pub waiting: f64,
    /// The rank that has waited least: the others wait for it.
    pub slowest: usize,
    /// What rank 0 sends in a step, MiB, the mean over the steps.
    pub sent_mib_per_step: f64,
}

/// The lines of a `metrics.jsonl`; none if there is no such file. A last line cut short by a crash, and lines of anybody
/// else's, are left out.
///
/// # Errors
/// A file that cannot be read.
pub fn read_metrics(path: &Path) -> Result<Vec<Metrics>> {
    match std::fs::read(path) {
        Ok(text) => Ok(text
            .split(|&byte| byte == b'\n')
            .filter_map(|line| serde_json::from_slice(line).ok())
            .collect()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(Error::io("read", path)(error)),
    }
}
