//! What a checkpoint says beside its tensors.

use crate::config::Change;
use crate::data::Fingerprint;
use crate::run::JournalState;
use crate::{Config, Error, Result, exact};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::Path;

/// The format that is written, under the key `format` of the file's metadata; the header is JSON under the key `run`.
const FORMAT: &str = "tweedie-checkpoint-2";
/// The format before it: texts under keys of their own, and no digests.
const FORMAT_1: &str = "tweedie-checkpoint-1";
/// What the names of all formats begin with.
const ANY_FORMAT: &str = "tweedie-checkpoint-";

/// A run at a step, but for its tensors.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Header {
    /// The resolved configuration.
    pub(crate) config: Config,
    /// Steps done. The data position and every random number follow from it.
    pub(crate) step: u64,
    /// Seconds of training so far.
    #[serde(with = "exact")]
    pub(crate) seconds: f64,
    /// The mean loss of the last steps.
    #[serde(with = "exact")]
    pub(crate) loss: f64,
    /// The last validation at or before this step.
    pub(crate) validation: Option<LastValidation>,
    /// What of the metrics is not written yet.
    pub(crate) journal: JournalState,
    /// What the run knows its data again by.
    pub(crate) data: Option<Fingerprint>,
    /// What later sessions changed of the configuration.
    pub(crate) changes: Vec<Change>,
}

/// A loss on the pictures held out.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) struct LastValidation {
    /// The step after which it was measured.
    pub(crate) step: u64,
    #[serde(with = "exact")]
    pub(crate) loss: f64,
}

impl Header {
    /// The metadata that hold it.
    ///
    /// # Errors
    /// A configuration that has no form in JSON.
    pub(crate) fn to_metadata(&self) -> Result<BTreeMap<String, String>> {
        let json = serde_json::to_string(self)
            .map_err(|error| Error::config(error.to_string(), "the configuration", "correct the value"))?;
        Ok(BTreeMap::from([("format".to_string(), FORMAT.to_string()), ("run".to_string(), json)]))
    }

    /// The header that the metadata of the file at `path` hold.
    ///
    /// # Errors
    /// Another file, a newer format, a header that is damaged.
    pub(crate) fn from_metadata(
        metadata: &BTreeMap<String, String>,
        is_checked: bool,
        path: &Path,
    ) -> Result<Header> {
        let damaged = |why: String| {
            Error::model(format!("has a damaged header: {why}"), path, "take an earlier checkpoint")
        };
        let field = |name: &str| metadata.get(name).ok_or_else(|| damaged(format!("it has no '{name}'")));
        match metadata.get("format").map(String::as_str) {
            Some(FORMAT) if !is_checked => Err(damaged("it has no digest".to_string())),
            Some(FORMAT) => serde_json::from_str(field("run")?).map_err(|error| damaged(error.to_string())),
            Some(FORMAT_1) => {
                let no_number = |name: &str| damaged(format!("'{name}' is not a number"));
                let step = field("step")?.parse().map_err(|_| no_number("step"))?;
                let real = |name: &str| field(name)?.parse().map_err(|_| no_number(name));
                Ok(Header {
                    config: Config::from_toml(field("config")?, &path.display().to_string())?,
                    step,
                    seconds: real("seconds")?,
                    loss: real("loss")?,
                    validation: None,
                    journal: JournalState::default(),
                    data: None,
                    changes: Vec::new(),
                })
            }
            Some(other) if other.starts_with(ANY_FORMAT) => {
                Err(Error::Newer { path: path.to_path_buf(), format: other.to_string() })
            }
            _ => Err(Error::model(
                "not a checkpoint of this program",
                path,
                "give a run directory, one of its checkpoints, or a diffusers folder",
            )),
        }
    }
}
