//! One configuration over another: a file, a preset, single keys.

use super::root::Config;
use crate::{Error, Result};

impl Config {
    /// This configuration with what makes the preset `name` differ from the default.
    ///
    /// # Errors
    /// A name that is none of [`PRESETS`](crate::PRESETS), or a preset for another network than this configuration's.
    pub fn with_preset(&self, name: &str) -> Result<Config> {
        let (preset, default) = (Config::preset(name)?.to_table()?, Config::default().to_table()?);
        let mut table = self.to_table()?;
        merge(&mut table, what_differs(preset, &default));
        Config::from_table(table, &format!("--preset {name}"))
    }

    /// Lays this configuration's text over a preset: keys of `text` replace the preset's.
    ///
    /// # Errors
    /// As [`Config::from_file`].
    pub fn overlaid_with(&self, text: &str, place: &str) -> Result<Config> {
        // Read alone first, so that an error has its line in the user's own file.
        Config::from_toml(text, place)?;
        let mut base = self.to_table()?;
        let over: toml::Table =
            text.parse().map_err(|_| Error::config("not TOML", place, "correct the file"))?;
        merge(&mut base, over);
        Config::from_table(base, place)
    }

    /// Sets one key from `section.key=value`, the value in TOML's notation; a bare word counts as a string.
    ///
    /// # Errors
    /// An assignment without `=`, a key that means nothing, or a value of the wrong type.
    pub fn set(&mut self, assignment: &str) -> Result<()> {
        let place = format!("--set {assignment}");
        let Some((key, value)) = assignment.split_once('=') else {
            return Err(Error::config("no '=' in the setting", place, "write SECTION.KEY=VALUE"));
        };
        let (key, value) = (key.trim(), value.trim());
        let parsed = format!("value = {value}")
            .parse::<toml::Table>()
            .ok()
            .and_then(|mut table| table.remove("value"))
            .unwrap_or_else(|| toml::Value::String(value.to_string()));
        let over = key.rsplit('.').fold(parsed, |inner, name| {
            toml::Value::Table(toml::Table::from_iter([(name.trim().to_string(), inner)]))
        });
        let toml::Value::Table(over) = over else {
            return Err(Error::config("no key in the setting", place, "write SECTION.KEY=VALUE"));
        };
        let mut table = self.to_table()?;
        merge(&mut table, over);
        *self = Config::from_table(table, &place)?;
        Ok(())
    }
}

fn merge(base: &mut toml::Table, over: toml::Table) {
    // The keys of one architecture mean nothing to another.
    let architecture = |table: &toml::Table| table.get("architecture").cloned();
    if architecture(&over).is_some_and(|new| architecture(base).is_some_and(|old| old != new)) {
        base.clear();
    }
    for (key, value) in over {
        match (base.get_mut(&key), value) {
            (Some(toml::Value::Table(base)), toml::Value::Table(over)) => merge(base, over),
            (_, value) => {
                base.insert(key, value);
            }
        }
    }
}

/// What of `table` is not the same in `base`.
fn what_differs(table: toml::Table, base: &toml::Table) -> toml::Table {
    let part = |(key, value): (String, toml::Value)| match (value, base.get(&key)) {
        (toml::Value::Table(inner), Some(toml::Value::Table(base))) => {
            Some((key, what_differs(inner, base).into()))
                .filter(|(_, part): &(_, toml::Value)| part.as_table().is_some_and(|part| !part.is_empty()))
        }
        (value, other) => (other != Some(&value)).then_some((key, value)),
    };
    table.into_iter().filter_map(part).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use tweedie_diffusion::PredictionKind;
    use tweedie_nn::TransformerConfig;

    #[test]
    fn settings_reach_their_key_or_are_refused_by_name() {
        let mut config = Config::default();
        config.set("optimizer.learning_rate = 2e-4").unwrap();
        config.set("diffusion.prediction=epsilon").unwrap();
        config.set("model.block_out_channels=[8, 16]").unwrap();
        assert_eq!(config.optimizer.learning_rate, 2e-4);
        assert_eq!(config.diffusion.prediction, PredictionKind::Epsilon);
        config.set("model.architecture=transformer").unwrap();
        config.set("model.depth=3").unwrap();
        assert_eq!(config.model, TransformerConfig { depth: 3, ..TransformerConfig::default() }.into());
        for wrong in ["optimizer.lr=1", "train.batch=many", "train.batch", "=3", "sampling.sampler=magic"] {
            let error = config.set(wrong).unwrap_err().to_string();
            assert!(error.contains(wrong) && !error.contains('\n'), "{error}");
        }
    }

    #[test]
    fn an_overlay_keeps_what_it_does_not_mention() {
        let mut base = Config::default();
        base.train.batch = 17;
        let config = base.overlaid_with("[optimizer]\nwarmup = 5\n", "c.toml").unwrap();
        assert_eq!((config.train.batch, config.optimizer.warmup), (17, 5));
    }

    #[test]
    fn a_preset_changes_what_it_is_about_and_leaves_the_rest() {
        let mut config = Config::default();
        (config.train.batch, config.optimizer.warmup, config.data.flips) = (12, 7, true);
        let changed = config.with_preset("small").unwrap();
        let small = Config::preset("small").unwrap();
        assert_eq!((changed.model, changed.diffusion), (small.model.clone(), small.diffusion));
        assert_eq!((changed.optimizer.warmup, changed.data.flips), (7, true));
        assert_eq!(
            Config::default().with_preset("transformer").unwrap(),
            Config::preset("transformer").unwrap()
        );
        assert!(config.with_preset("huge").is_err());
    }
}
