//! Which checkpoints stay.

use super::file::read;
use super::header::Header;
use super::names::{path_of, steps};
use crate::{Error, Result};
use std::cmp::Ordering;
use std::fs;
use std::path::Path;

/// How well a checkpoint does: the lower, the better.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Score {
    /// Whether nothing was measured on pictures held out: such a score is worse than any other.
    is_training: bool,
    loss: f64,
}

impl Score {
    /// By its last validation, and by the loss of training where there was none.
    fn of(header: &Header) -> Score {
        let loss = header.validation.map_or(header.loss, |validation| validation.loss);
        let loss = if loss.is_nan() { f64::INFINITY } else { loss };
        Score { is_training: header.validation.is_none(), loss }
    }

    fn beats(&self, other: &Score) -> bool {
        self.is_training.cmp(&other.is_training).then(self.loss.total_cmp(&other.loss)) == Ordering::Less
    }
}

/// The best checkpoint so far, with the one of a later `step` looked at: of those that are equally good, the earliest.
pub(crate) fn better(best: Option<(u64, Score)>, step: u64, header: &Header) -> Option<(u64, Score)> {
    let score = Score::of(header);
    best.filter(|(_, best)| !score.beats(best)).or(Some((step, score)))
}

/// The step of the best checkpoint up to `last`, the earliest of those that are equally good, and its score; none where none
/// can be read. Only headers are read.
pub(crate) fn best(run: &Path, last: u64) -> Result<Option<(u64, Score)>> {
    let readable = |step: u64| Some((step, read(&path_of(run, step)).ok()?.0));
    let headers = steps(run)?.into_iter().filter(|&step| step <= last).filter_map(readable);
    Ok(headers.fold(None, |best, (step, header)| better(best, step, &header)))
}

/// Removes all but the newest `keep` checkpoints up to step `last` and `best`; returns the first that cannot be removed.
/// What is named after a later step is nothing that this run has written.
pub(crate) fn prune(run: &Path, last: u64, keep: usize, best: Option<u64>) -> Result<()> {
    let steps: Vec<u64> = steps(run)?.into_iter().filter(|&step| step <= last).collect();
    let mut removed = Ok(());
    for &step in &steps[..steps.len().saturating_sub(keep)] {
        if Some(step) != best {
            let path = path_of(run, step);
            removed = removed.and(fs::remove_file(&path).map_err(Error::io("remove", &path)));
        }
    }
    removed
}
