use super::config::UNetConfig;
use super::or_none::NONE;
use crate::config::refuse;
use crate::{Error, Result};
use serde_json::Value;
use std::path::Path;

/// The part of a diffusers `config.json` that is read.
#[derive(Debug, Clone, PartialEq)]
pub struct DiffusersConfig {
    /// The network.
    pub network: UNetConfig,
    /// Keys that neither this crate nor diffusers' class reads, sorted.
    pub ignored: Vec<String>,
}

/// Keys of this crate alone. In a file of diffusers they are ignored, as diffusers ignores them.
const OWN: [&str; 3] = ["zero_init_output", "patch_size", "cross_attention_dim"];

/// Keys that diffusers' `EMAModel` writes into the configuration of the model that it averages.
const AVERAGE: [&str; 7] =
    ["decay", "min_decay", "optimization_step", "update_after_step", "use_ema_warmup", "inv_gamma", "power"];

impl UNetConfig {
    /// Reads a `config.json` of diffusers' `UNet2DModel`. Keys that begin with `_` say which program wrote it, and are
    /// skipped; so are the state of a moving average, and, by name in [`DiffusersConfig::ignored`], keys that the class
    /// does not have.
    ///
    /// # Errors
    /// [`Error::File`] when the file cannot be read or is not JSON; [`Error::Config`] when it is of another class, or
    /// has a value that no model can be built from.
    pub fn read(path: &Path) -> Result<DiffusersConfig> {
        let file = |why: String| Error::File { path: path.to_path_buf(), why };
        let text = std::fs::read_to_string(path).map_err(|e| file(e.to_string()))?;
        let json = serde_json::from_str(&text).map_err(|e| file(format!("is not JSON: {e}")))?;
        UNetConfig::from_json(json)
    }

    /// As [`UNetConfig::read`], from JSON.
    ///
    /// # Errors
    /// [`Error::Config`].
    pub fn from_json(json: Value) -> Result<DiffusersConfig> {
        let Value::Object(keys) = json else {
            return refuse("config", "(not an object)", "must be a JSON object of keys and values");
        };
        match keys.get("_class_name").and_then(Value::as_str) {
            Some(CLASS) => {}
            Some(other) => {
                return refuse("_class_name", other, format!("is not supported; {CLASS} would do"));
            }
            None if keys.contains_key("block_out_channels") => {}
            None => return refuse("_class_name", "(not there)", format!("must be {CLASS}")),
        }
        let unusable = |e: serde_json::Error| Error::Config {
            key: "config".to_string(),
            value: String::new(),
            why: e.to_string(),
        };
        let mut config = serde_json::to_value(UNetConfig::default()).map_err(unusable)?;
        let mut ignored = Vec::new();
        for (key, value) in keys {
            if key.starts_with('_') || AVERAGE.contains(&key.as_str()) {
                continue;
            }
            let place = config.get_mut(&key).filter(|_| !OWN.contains(&key.as_str()));
            let Some(place) = place else {
                ignored.push(key);
                continue;
            };
            let value = as_diffusers_reads(&key, value)?;
            let before = std::mem::replace(place, value.clone());
            // One key at a time, so that a value of the wrong type is reported under its key.
            if let Err(error) = serde_json::from_value::<UNetConfig>(config.clone()) {
                return refuse(&key, value, format!("is not a value like {before}: {error}"));
            }
        }
        let network: UNetConfig = serde_json::from_value(config).map_err(unusable)?;
        network.validate()?;
        ignored.sort();
        Ok(DiffusersConfig { network, ignored })
    }

    /// The configuration as diffusers writes it: with the class name, without the keys of this crate alone.
    pub fn to_json(&self) -> Value {
        let mut json = serde_json::json!({ "_class_name": CLASS });
        if let (Value::Object(out), Ok(Value::Object(keys))) = (&mut json, serde_json::to_value(self)) {
            for (key, value) in keys {
                match (key.as_str(), value) {
                    (own, _) if OWN.contains(&own) => {}
                    ("mid_block_type" | "attention_head_dim", Value::String(none)) if none == NONE => {
                        out.insert(key, Value::Null);
                    }
                    // diffusers computes with it as an integer.
                    ("freq_shift", Value::Number(shift)) if self.freq_shift.fract() == 0.0 => {
                        let whole = shift.as_f64().map_or(Value::Number(shift), |f| (f as i64).into());
                        out.insert(key, whole);
                    }
                    (_, value) => {
                        out.insert(key, value);
                    }
                }
            }
        }
        json
    }
}

/// The class of diffusers whose keys these are.
const CLASS: &str = "UNet2DModel";

/// A value as [`UNetConfig`] spells it. Diffusers has no `"none"`.
fn as_diffusers_reads(key: &str, value: Value) -> Result<Value> {
    match (key, value) {
        // The class asks only whether it is null.
        ("mid_block_type", Value::String(_)) => Ok("UNetMidBlock2D".into()),
        ("downsample_type" | "upsample_type", Value::Null) => Ok("conv".into()),
        ("class_embed_type" | "attention_head_dim", Value::String(word)) if word == NONE => {
            refuse(key, "\"none\"", "is not supported; null would do")
        }
        // The names of these blocks before diffusers 0.1.
        ("down_block_types" | "up_block_types", Value::Array(names)) => Ok(names
            .into_iter()
            .map(|name| match name.as_str().and_then(|name| name.strip_prefix("UNetRes")) {
                Some(present) => present.into(),
                None => name,
            })
            .collect()),
        (_, value) => Ok(value),
    }
}

#[cfg(test)]
mod tests;
