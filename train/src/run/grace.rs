//! Whether a run ends in the time that it is given for it.

use std::time::Duration;

/// The time between a wish to end and the end by force, and what a run needs of it at worst.
#[derive(Debug)]
pub(super) struct Grace {
    grace: Duration,
    longest_step: Duration,
    is_noted: bool,
}

impl Grace {
    pub(super) fn of(grace: Duration) -> Grace {
        Grace { grace, longest_step: Duration::ZERO, is_noted: false }
    }

    /// Counts a step.
    pub(super) fn stepped_in(&mut self, time: Duration) {
        self.longest_step = self.longest_step.max(time);
    }

    /// What the user should know after a checkpoint that took `time`: at worst, a step has just begun when the wish comes.
    pub(super) fn saved_in(&mut self, time: Duration) -> Option<String> {
        let needed = self.longest_step + time;
        if self.is_noted || needed <= self.grace {
            return None;
        }
        self.is_noted = true;
        Some(format!(
            "a step and a checkpoint take up to {:.1} s, longer than the grace time of {:.1} s: ended by force, the run \
             goes on from its last checkpoint; give it more time, or a smaller --checkpoint-every",
            needed.as_secs_f64(),
            self.grace.as_secs_f64()
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_takes_too_long_is_said_once() {
        let seconds = Duration::from_secs;
        let mut grace = Grace::of(seconds(30));
        grace.stepped_in(seconds(10));
        grace.stepped_in(seconds(5));
        assert_eq!(grace.saved_in(seconds(20)), None);
        assert!(grace.saved_in(seconds(21)).unwrap().contains("up to 31.0 s"));
        assert_eq!(grace.saved_in(seconds(60)), None);
    }
}
