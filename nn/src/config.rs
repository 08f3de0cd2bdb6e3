//! Types and checks that the configurations of networks share.

use crate::{Error, Result};
use serde::{Deserialize, Serialize};

/// Height and width of a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum SampleSize {
    /// Both the same.
    Square(usize),
    /// Height, then width.
    Sides([usize; 2]),
}

impl SampleSize {
    /// Height and width.
    pub fn sides(self) -> [usize; 2] {
        match self {
            SampleSize::Square(side) => [side, side],
            SampleSize::Sides(sides) => sides,
        }
    }
}

pub(crate) fn refuse<T>(key: &str, value: impl ToString, why: impl Into<String>) -> Result<T> {
    Err(Error::Config { key: key.to_string(), value: value.to_string(), why: why.into() })
}
