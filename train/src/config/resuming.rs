//! Whether a run can be resumed under another configuration.

use super::change::{Change, UNSET};
use super::optimizer::OptimizerConfig;
use super::root::Config;
use super::sampling::SamplingConfig;
use super::training::TrainConfig;
use crate::{Error, Result};

impl Config {
    /// Refuses to resume a run whose checkpoint was made under another configuration. How long the run lasts, what it keeps
    /// and how fast it learns may change: that leaves the steps that are done as they are.
    pub(crate) fn check_resumes(&self, earlier: &Config) -> Result<()> {
        let essence = |config: &Config| {
            let mut config = config.clone();
            config.train = TrainConfig {
                seed: config.train.seed,
                batch: config.train.batch,
                shards: config.train.shards,
                precision: config.train.precision,
                class_conditional: config.train.class_conditional,
                label_dropout: config.train.label_dropout,
                ema_decay: config.train.ema_decay,
                ..TrainConfig::default()
            };
            let usual = OptimizerConfig::default();
            config.optimizer = OptimizerConfig { rule: config.optimizer.rule, ..usual };
            config.sampling = SamplingConfig::default();
            (config.data.source, config.data.cache_mib) = (String::new(), None);
            // The only class of a folder without subfolders is called as the folder, which may have been moved.
            if config.data.classes.len() == 1 {
                config.data.classes.clear();
            }
            config.to_table()
        };
        let (now, then) = (essence(self)?, essence(earlier)?);
        match differences(&now, &then).into_iter().next() {
            None => Ok(()),
            Some(Difference { key, values: [now, then] }) => Err(Error::config(
                format!("the run to resume was made with {then}, and now it is {now}"),
                key,
                "leave it as it was, or begin a new run with another --out",
            )),
        }
    }

    /// What differs from the configuration `earlier`, after whose `step` steps the run goes on with this one. Where the
    /// pictures are, and how they are held, is no difference.
    pub(crate) fn changes_since(&self, earlier: &Config, step: u64) -> Result<Vec<Change>> {
        let table = |config: &Config| {
            let mut config = config.clone();
            (config.data.source, config.data.cache_mib) = (String::new(), None);
            config.data.classes.clear();
            config.to_table()
        };
        let found = differences(&table(earlier)?, &table(self)?).into_iter();
        Ok(found.map(|Difference { key, values: [from, to] }| Change { step, key, from, to }).collect())
    }

    /// Takes over the end that a run had planned under its configuration `earlier`, after `step` steps that took
    /// `seconds`.
    pub(crate) fn keep_planned_end(&mut self, earlier: &Config, step: u64, seconds: f64) {
        if self.train.steps.is_none() && self.train.time_budget == earlier.train.time_budget {
            self.train.steps = earlier.train.steps;
            self.optimizer.decay_start = earlier.optimizer.decay_start;
        }
        // A budget is for the whole run, its earlier sessions included.
        let spent = self.train.time_budget.is_some_and(|budget| budget <= seconds);
        if self.train.steps.is_none() && spent {
            self.train.steps = Some(step);
            self.optimizer.decay_start = earlier.optimizer.decay_start;
        }
    }
}

/// A key, and what it is set to in either of two configurations.
struct Difference {
    key: String,
    values: [String; 2],
}

/// The keys whose values differ, in order; of two architectures, where all other keys differ as well, that one first.
fn differences(a: &toml::Table, b: &toml::Table) -> Vec<Difference> {
    let keys: std::collections::BTreeSet<&String> = a.keys().chain(b.keys()).collect();
    let (architecture, others): (Vec<&String>, Vec<&String>) =
        keys.into_iter().partition(|key| *key == "architecture");
    let mut found = Vec::new();
    for key in architecture.into_iter().chain(others) {
        match (a.get(key), b.get(key)) {
            (Some(toml::Value::Table(a)), Some(toml::Value::Table(b))) => {
                let within = differences(a, b).into_iter();
                found.extend(within.map(|inner| Difference { key: format!("{key}.{}", inner.key), ..inner }));
            }
            (a, b) if a != b => found.push(Difference { key: key.clone(), values: [text_of(a), text_of(b)] }),
            _ => {}
        }
    }
    found
}

/// A value as people write it, or [`UNSET`].
fn text_of(value: Option<&toml::Value>) -> String {
    match value {
        None => UNSET.to_string(),
        // TOML's own form of a float has all digits before the point.
        Some(toml::Value::Float(number)) => format!("{number:?}"),
        Some(value) => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_is_resumed_from_a_moved_folder_but_not_with_other_values() {
        let mut run = Config::default();
        run.data.classes = vec!["pictures".into()];
        let mut moved = run.clone();
        (moved.data.source, moved.data.classes) = ("elsewhere/moved".into(), vec!["moved".into()]);
        moved.check_resumes(&run).unwrap();
        moved.train.batch = 12;
        let error = moved.check_resumes(&run).unwrap_err().to_string();
        assert!(error.contains("made with 64, and now it is 12, train.batch: "), "{error}");
        let mut slower = run.clone();
        (slower.optimizer.learning_rate, slower.train.keep, slower.data.source) =
            (1e-5, 7, "elsewhere".into());
        slower.check_resumes(&run).unwrap();
        let changes = slower.changes_since(&run, 12).unwrap();
        let keys: Vec<&str> = changes.iter().map(|change| change.key.as_str()).collect();
        assert_eq!(keys, ["optimizer.learning_rate", "train.keep"]);
        assert_eq!((changes[1].step, &changes[1].from[..], &changes[1].to[..]), (12, "2", "7"));
        slower.optimizer.rule = tweedie_nn::optim::OptimConfig::Sgd { momentum: 0.0, weight_decay: 0.0 };
        assert!(slower.check_resumes(&run).unwrap_err().to_string().contains("optimizer.rule"));
        let mut classes = run.clone();
        classes.data.classes = vec!["cat".into(), "dog".into()];
        assert!(classes.check_resumes(&run).unwrap_err().to_string().contains("data.classes"));
    }
}
