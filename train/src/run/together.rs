//! How the ranks of a run go together, between the lines of the metrics.

use super::metrics::RankMetrics;
use std::time::{Duration, Instant};

/// What was measured of several ranks since the last line.
pub(super) struct Together {
    since: Instant,
    /// When the ranks have last told how long they waited: what they wait for now counts in what they tell next.
    until: Instant,
    /// The steps after which the ranks have told how long they waited.
    steps: u64,
    /// How long each rank has waited for the others, in seconds.
    waits: Vec<f64>,
    /// Bytes that this rank has sent.
    sent: u64,
    /// What the last line says.
    last: Option<RankMetrics>,
}

impl Together {
    /// Nothing measured yet.
    pub(super) fn new() -> Together {
        Together::since(Instant::now(), None)
    }

    fn since(then: Instant, last: Option<RankMetrics>) -> Together {
        Together { since: then, until: then, steps: 0, waits: Vec::new(), sent: 0, last }
    }

    /// Adds a step: what each rank has waited in it, in seconds, and the bytes that this one has sent.
    pub(super) fn add(&mut self, waits: &[f64], sent: u64) {
        self.waits.resize(waits.len(), 0.0);
        self.waits.iter_mut().zip(waits).for_each(|(sum, wait)| *sum += wait);
        self.sent += sent;
        self.steps += 1;
        self.until = Instant::now();
    }

    /// What the last line says; before there is one, what it would say now. None for one process.
    pub(super) fn latest(&self) -> Option<RankMetrics> {
        self.last.or_else(|| self.over(self.until - self.since))
    }

    /// What the next line says, after which all is measured anew.
    pub(super) fn take(&mut self) -> Option<RankMetrics> {
        let taken = self.over(self.until - self.since);
        *self = Together::since(self.until, taken.or(self.last));
        taken
    }

    /// What was measured, in this time.
    fn over(&self, time: Duration) -> Option<RankMetrics> {
        let size = self.waits.len();
        let slowest = (0..size).min_by(|&a, &b| self.waits[a].total_cmp(&self.waits[b]))?;
        let each = self.waits.iter().sum::<f64>() / size as f64;
        Some(RankMetrics {
            size,
            waiting: (each / time.as_secs_f64().max(1e-9)).min(1.0),
            slowest,
            sent_mib_per_step: self.sent as f64 / (1 << 20) as f64 / self.steps.max(1) as f64,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_tells_of_the_steps_since_the_one_before() {
        let mut together = Together::new();
        assert_eq!((together.latest(), together.take()), (None, None));
        together.add(&[1.0, 0.0, 2.0], 3 << 20);
        together.add(&[1.0, 0.5, 1.5], 1 << 20);
        let expected = RankMetrics { size: 3, waiting: 0.25, slowest: 1, sent_mib_per_step: 2.0 };
        assert_eq!(together.over(Duration::from_secs(8)), Some(expected));
        // More than the time that has passed here.
        let taken = together.take();
        assert_eq!(taken, Some(RankMetrics { waiting: 1.0, ..expected }));
        together.add(&[0.0, 1.0], 0);
        assert_eq!(together.latest(), taken);
        let next = RankMetrics { size: 2, waiting: 0.5, slowest: 0, sent_mib_per_step: 0.0 };
        assert_eq!(together.over(Duration::from_secs(1)), Some(next));
    }
}
