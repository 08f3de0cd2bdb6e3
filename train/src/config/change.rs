//! What a later session of a run changed of its configuration.

use serde::{Deserialize, Serialize};
use std::fmt;

/// What a key that is left out is said to be.
pub(super) const UNSET: &str = "unset";

/// What together says when a run ends.
const BUDGET: &str = "train.time_budget";
const STEPS: &str = "train.steps";
const DECAY: &str = "optimizer.decay_start";

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
    /// The changes of one session in words, a line each. Keys that change together because the run has another end are one
    /// line: nobody has set them one by one.
    pub(crate) fn in_words(changes: &[Change]) -> Vec<String> {
        let set = |key: &str| changes.iter().find(|change| change.key == key && change.to != UNSET);
        let steps = || set(STEPS).map(|change| change.of_steps(changes));
        let end = set(BUDGET).map(Change::of_budget).or_else(steps);
        let told: &[&str] = if end.is_some() { &[BUDGET, STEPS, DECAY] } else { &[] };
        let others = changes.iter().filter(|change| !told.contains(&&*change.key)).map(Change::to_string);
        end.into_iter().chain(others).collect()
    }

    fn of_budget(&self) -> String {
        let Change { step, to, .. } = self;
        let seconds: f64 = to.parse().unwrap_or(0.0);
        let time = match seconds < 120.0 {
            true => format!("{seconds:.0} seconds"),
            false => format!("{} minutes", (seconds / 6.0).round() / 10.0),
        };
        format!(
            "the whole run now has {time}, its first {step} steps included: its last step, and when the learning rate falls, are \
             planned anew"
        )
    }

    fn of_steps(&self, changes: &[Change]) -> String {
        let Change { from, to, .. } = self;
        let before = if from == UNSET { String::new() } else { format!(", and not after step {from}") };
        let decay = changes.iter().find(|change| change.key == DECAY);
        let rate = match decay.map(|change| (change.from.as_str(), change.to.as_str())) {
            Some((_, UNSET)) => "; its learning rate stays as it is now until then".to_string(),
            Some((_, to)) => format!("; its learning rate falls from step {to} on"),
            None => String::new(),
        };
        format!("the run now ends after step {to}{before}{rate}")
    }

    /// Whether pictures painted after any later step are the same with it and without it.
    pub(crate) fn keeps_pictures(&self) -> bool {
        let of_pictures = [STEPS, BUDGET, "train.decay_share"];
        self.key.starts_with("train.") && !of_pictures.contains(&self.key.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(key: &str, from: &str, to: &str) -> Change {
        Change { step: 40, key: key.into(), from: from.into(), to: to.into() }
    }

    #[test]
    fn another_end_is_one_line_and_other_keys_are_one_each() {
        let words = Change::in_words(&[
            change(DECAY, "31", UNSET),
            change("optimizer.learning_rate", "0.1", "0.2"),
            change(STEPS, "52", UNSET),
            change(BUDGET, "180.0", "900.0"),
        ]);
        assert_eq!(words.len(), 2, "{words:?}");
        assert!(
            words[0].starts_with("the whole run now has 15 minutes, its first 40 steps included"),
            "{words:?}"
        );
        assert_eq!(words[1], "optimizer.learning_rate is 0.2 after step 40, and was 0.1");
        let steps = [change(BUDGET, "180.0", UNSET), change(STEPS, "52", "90"), change(DECAY, "31", UNSET)];
        let expected = "the run now ends after step 90, and not after step 52; its learning rate stays as it is now until then";
        assert_eq!(Change::in_words(&steps), [expected]);
        assert_eq!(
            Change::in_words(&[change(DECAY, "31", UNSET)]),
            ["optimizer.decay_start is unset after step 40, and was 31"]
        );
    }
}
