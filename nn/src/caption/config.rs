use crate::Result;
use crate::config::{check_counts, refuse};
use serde::{Deserialize, Serialize};

/// The configuration of a [`CaptionEncoder`](super::CaptionEncoder).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CaptionConfig {
    /// The number of different tokens, with token 0, the padding.
    pub vocabulary: usize,
    /// Tokens of a caption, with padding.
    pub length: usize,
    /// Length of a token's embedding.
    pub width: usize,
    /// Transformer layers.
    pub depth: usize,
    /// Heads of each attention; divides `width`.
    pub num_heads: usize,
}

impl Default for CaptionConfig {
    fn default() -> Self {
        CaptionConfig { vocabulary: 1, length: 1, width: 64, depth: 2, num_heads: 4 }
    }
}

impl CaptionConfig {
    /// Checks that an encoder can be built; the error names the key, its value and the rule.
    ///
    /// # Errors
    /// [`Error::Config`](crate::Error::Config).
    pub fn validate(&self) -> Result<()> {
        check_counts([
            ("caption.vocabulary", self.vocabulary, 1),
            ("caption.length", self.length, 1),
            ("caption.width", self.width, 1),
            ("caption.depth", self.depth, 0),
            ("caption.num_heads", self.num_heads, 1),
        ])?;
        if !self.width.is_multiple_of(self.num_heads) {
            let why = format!("does not divide caption.width = {}", self.width);
            return refuse("caption.num_heads", self.num_heads, why);
        }
        Ok(())
    }
}
