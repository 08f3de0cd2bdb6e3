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

/// Refuses keys that count something and are less than the `least` of each, or more than any network has.
pub(crate) fn check_counts<'a>(counts: impl IntoIterator<Item = (&'a str, usize, usize)>) -> Result<()> {
    for (key, value, least) in counts {
        if value < least || value > 1 << 16 {
            return refuse(key, value, format!("must be at least {least}, and at most 2^16"));
        }
    }
    Ok(())
}

pub(crate) fn refuse<T>(key: &str, value: impl ToString, why: impl Into<String>) -> Result<T> {
    Err(Error::Config { key: key.to_string(), value: value.to_string(), why: why.into() })
}
