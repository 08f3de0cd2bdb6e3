//! A configuration as TOML.

use super::root::Config;
use crate::{Error, Result};
use std::path::Path;
use tweedie_nn::files::{NotPlain, plain_length};

impl Config {
    /// Reads a configuration; what it does not mention keeps its default.
    ///
    /// # Errors
    /// A file that cannot be read, is no plain file or no TOML, or has a key that means nothing.
    pub fn from_file(path: &Path) -> Result<Config> {
        if let Err(error @ (NotPlain::Folder | NotPlain::Special)) = plain_length(path) {
            let place = path.display().to_string();
            return Err(Error::config(error.to_string(), place, "put a configuration there"));
        }
        let text = crate::files::read_text(path).map_err(Error::io("read", path))?;
        Config::from_toml(&text, &path.display().to_string())
    }

    /// Reads a configuration from TOML text; `place` is what errors call it.
    ///
    /// # Errors
    /// As [`Config::from_file`].
    pub fn from_toml(text: &str, place: &str) -> Result<Config> {
        toml::from_str(text).map_err(|error| {
            let line = error.span().map(|span| 1 + text[..span.start].matches('\n').count());
            let place = line.map_or(place.to_string(), |line| format!("{place} line {line}"));
            Error::config(
                format!("cannot use the configuration: {}", one_line(error.message())),
                place,
                "correct the key",
            )
        })
    }

    /// The configuration as TOML, every key written out.
    ///
    /// # Errors
    /// [`Error::User`](crate::Error::User) if a value has no form in TOML, as a number that is not finite.
    pub fn to_toml(&self) -> Result<String> {
        toml::to_string(self)
            .map_err(|error| Error::config(error.to_string(), "the configuration", "correct the value"))
    }

    pub(super) fn to_table(&self) -> Result<toml::Table> {
        toml::Table::try_from(self)
            .map_err(|error| Error::config(error.to_string(), "the configuration", "correct the value"))
    }

    pub(super) fn from_table(table: toml::Table, place: &str) -> Result<Config> {
        table.try_into().map_err(|error: toml::de::Error| {
            Error::config(
                format!("cannot use the setting: {}", one_line(error.message())),
                place,
                "correct the key or its value",
            )
        })
    }
}

fn one_line(message: &str) -> String {
    message.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_reads_back_the_same() {
        let mut config = Config::default();
        config.train.steps = Some(7);
        config.optimizer.learning_rate = 0.1 + 0.2;
        let text = config.to_toml().unwrap();
        assert_eq!(Config::from_toml(&text, "text").unwrap(), config);
    }

    #[test]
    fn an_unknown_key_is_named_with_its_line() {
        let error = Config::from_toml("[train]\nbatch = 3\nbacth = 4\n", "c.toml").unwrap_err().to_string();
        assert!(error.contains("bacth") && error.contains("c.toml line 3"), "{error}");
    }
}
