//! Numbers in JSON without losing a bit: those that JSON has no form for stand there by name.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

#[derive(Deserialize)]
#[serde(untagged)]
enum Form {
    Number(f64),
    Name(String),
}

/// Writes a number, or `NaN`, `inf` and `-inf` as texts.
pub(crate) fn serialize<S: Serializer>(number: &f64, to: S) -> Result<S::Ok, S::Error> {
    if number.is_finite() { number.serialize(to) } else { number.to_string().serialize(to) }
}

/// Reads what [`serialize`] has written.
pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<f64, D::Error> {
    match Form::deserialize(from)? {
        Form::Number(number) => Ok(number),
        Form::Name(name) => name.parse().map_err(D::Error::custom),
    }
}
