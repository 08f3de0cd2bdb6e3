//! An optional value whose absence is written as `"none"`, and read as that or as null.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// How "nothing" is spelt where the default is something: TOML has no null.
pub(super) const NONE: &str = "none";

#[derive(Deserialize)]
#[serde(untagged)]
enum Either<V> {
    Value(V),
    Word(String),
}

pub(super) fn serialize<V: Serialize, S: Serializer>(
    value: &Option<V>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match value {
        Some(value) => value.serialize(serializer),
        None => serializer.serialize_str(NONE),
    }
}

pub(super) fn deserialize<'de, V, D>(deserializer: D) -> Result<Option<V>, D::Error>
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
pub(super) trait IsNone {
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
