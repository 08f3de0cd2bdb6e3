use super::UNetConfig;
use crate::config::refuse;
use crate::{Error, Result};
use serde_json::Value;
use std::path::Path;

impl UNetConfig {
    /// Reads a `config.json` of diffusers. Keys that begin with `_` say which program wrote it, and are skipped.
    ///
    /// # Errors
    /// [`Error::File`] when the file cannot be read or is not JSON; [`Error::Config`] when it has an unknown key or
    /// a value that no model can be built from.
    pub fn read(path: &Path) -> Result<UNetConfig> {
        let file = |why: String| Error::File { path: path.to_path_buf(), why };
        let text = std::fs::read_to_string(path).map_err(|e| file(e.to_string()))?;
        let json = serde_json::from_str(&text).map_err(|e| file(format!("is not JSON: {e}")))?;
        UNetConfig::from_json(json)
    }

    /// As [`UNetConfig::read`], from JSON.
    ///
    /// # Errors
    /// [`Error::Config`].
    pub fn from_json(json: Value) -> Result<UNetConfig> {
        let Value::Object(keys) = json else {
            return refuse("config", "(not an object)", "must be a JSON object of keys and values");
        };
        let mut config = serde_json::to_value(UNetConfig::default()).map_err(|e| Error::Config {
            key: "config".to_string(),
            value: String::new(),
            why: e.to_string(),
        })?;
        for (key, value) in keys {
            if key.starts_with('_') {
                continue;
            }
            let Some(place) = config.get_mut(&key) else {
                return refuse(&key, value, "is not a key of this model");
            };
            let before = std::mem::replace(place, value.clone());
            // One key at a time, so that a value of the wrong type is reported under its key.
            if let Err(error) = serde_json::from_value::<UNetConfig>(config.clone()) {
                return refuse(&key, value, format!("is not a value like {before}: {error}"));
            }
        }
        let config: UNetConfig = serde_json::from_value(config).map_err(|e| Error::Config {
            key: "config".to_string(),
            value: String::new(),
            why: e.to_string(),
        })?;
        config.validate()?;
        Ok(config)
    }

    /// The configuration as diffusers writes it, with its class name, without keys that it does not know.
    pub fn to_json(&self) -> Value {
        let mut json = serde_json::json!({ "_class_name": "UNet2DModel" });
        if let (Value::Object(out), Ok(Value::Object(keys))) = (&mut json, serde_json::to_value(self)) {
            for (key, value) in keys {
                match (key.as_str(), value) {
                    ("zero_init_output" | "patch_size" | "cross_attention_dim", _) => {}
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

/// How "nothing" is spelt where the default is something: TOML has no null.
const NONE: &str = "none";

/// An optional value whose absence is written as `"none"`, and read as that or as null.
pub(super) mod or_none {
    use super::NONE;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Either<V> {
        Value(V),
        Word(String),
    }

    pub(in crate::unet) fn serialize<V: Serialize, S: Serializer>(
        value: &Option<V>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match value {
            Some(value) => value.serialize(serializer),
            None => serializer.serialize_str(NONE),
        }
    }

    pub(in crate::unet) fn deserialize<'de, V, D>(deserializer: D) -> Result<Option<V>, D::Error>
    where
        V: Deserialize<'de> + IsNone,
        D: Deserializer<'de>,
    {
        match Option::<Either<V>>::deserialize(deserializer)? {
            Some(Either::Value(value)) if !value.is_none() => Ok(Some(value)),
            Some(Either::Word(word)) if word != NONE => {
                Err(serde::de::Error::custom(format!("\"{word}\" is neither a number nor \"{NONE}\"")))
            }
            _ => Ok(None),
        }
    }

    /// Whether a value that was read is the word for nothing.
    pub(in crate::unet) trait IsNone {
        fn is_none(&self) -> bool;
    }

    impl IsNone for usize {
        fn is_none(&self) -> bool {
            false
        }
    }

    impl IsNone for String {
        fn is_none(&self) -> bool {
            self == NONE
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_config_of_diffusers_is_read_and_written_back() {
        let json = json!({
            "_class_name": "UNet2DModel", "_diffusers_version": "0.0.4", "act_fn": "silu",
            "attention_head_dim": null, "block_out_channels": [128, 256, 256, 256], "downsample_padding": 0,
            "center_input_sample": false, "flip_sin_to_cos": false, "freq_shift": 1, "in_channels": 3,
            "down_block_types": ["DownBlock2D", "AttnDownBlock2D", "DownBlock2D", "DownBlock2D"],
            "up_block_types": ["UpBlock2D", "UpBlock2D", "AttnUpBlock2D", "UpBlock2D"],
            "layers_per_block": 2, "mid_block_scale_factor": 1, "norm_eps": 1e-06, "norm_num_groups": 32,
            "out_channels": 3, "sample_size": 32, "time_embedding_type": "positional"
        });
        let config = UNetConfig::from_json(json).unwrap();
        assert_eq!(config, UNetConfig::cifar());
        let written = config.to_json();
        assert_eq!(written["attention_head_dim"], Value::Null);
        assert_eq!(written["freq_shift"], json!(1));
        assert_eq!(written["sample_size"], json!(32));
        assert!(written.get("zero_init_output").is_none());
        assert_eq!(UNetConfig::from_json(written).unwrap(), config);
    }

    #[test]
    fn nothing_survives_a_format_without_null() {
        let config = UNetConfig { mid_block_type: None, ..UNetConfig::cifar() };
        let keys = serde_json::to_value(&config).unwrap();
        assert_eq!((&keys["attention_head_dim"], &keys["mid_block_type"]), (&json!("none"), &json!("none")));
        assert_eq!(serde_json::from_value::<UNetConfig>(keys).unwrap(), config);
    }

    #[test]
    fn bad_keys_and_values_are_named() {
        let error = |json| UNetConfig::from_json(json).unwrap_err().to_string();
        assert_eq!(error(json!({"in_chanels": 3})), "in_chanels = 3: is not a key of this model");
        assert!(error(json!({"in_channels": "three"})).starts_with("in_channels = \"three\": "));
        assert!(error(json!({"attention_head_dim": "many"})).starts_with("attention_head_dim = \"many\": "));
        assert!(error(json!({"resnet_time_scale_shift": "ada_group"})).contains("ada_group"));
        assert!(error(json!([])).contains("must be a JSON object"));
        assert!(error(json!({"time_embedding_type": "fourier"})).starts_with("time_embedding_type"));
    }

    #[test]
    fn files_that_are_missing_or_not_json_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.json");
        assert!(UNetConfig::read(&path).unwrap_err().to_string().contains("config.json"));
        std::fs::write(&path, "{\"in_channels\": ").unwrap();
        assert!(UNetConfig::read(&path).unwrap_err().to_string().contains("is not JSON"));
    }
}
