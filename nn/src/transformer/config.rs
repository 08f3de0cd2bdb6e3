use crate::Result;
use crate::config::{SampleSize, check_counts, refuse};
use serde::{Deserialize, Serialize};

/// The configuration of a [`Transformer`](super::Transformer).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TransformerConfig {
    /// Height and width that the model is trained for; other multiples of the patch size run.
    pub sample_size: Option<SampleSize>,
    /// Channels of the input.
    pub in_channels: usize,
    /// Channels of the output.
    pub out_channels: usize,
    /// The side of the square patches, one token each.
    pub patch_size: usize,
    /// Length of a token: a multiple of 4 and of `num_heads`.
    pub hidden_size: usize,
    /// Number of blocks.
    pub depth: usize,
    /// Heads of each attention.
    pub num_heads: usize,
    /// Inner width of a block's MLP as a multiple of `hidden_size`.
    pub mlp_ratio: f64,
    /// Number of classes; none for a model without classes.
    pub num_class_embeds: Option<usize>,
}

impl Default for TransformerConfig {
    /// DiT-S/2 (Peebles and Xie 2023, table 1).
    fn default() -> Self {
        TransformerConfig {
            sample_size: None,
            in_channels: 3,
            out_channels: 3,
            patch_size: 2,
            hidden_size: 384,
            depth: 12,
            num_heads: 6,
            mlp_ratio: 4.0,
            num_class_embeds: None,
        }
    }
}

impl TransformerConfig {
    /// The inner width of the MLPs.
    pub(super) fn mlp_width(&self) -> usize {
        (self.hidden_size as f64 * self.mlp_ratio) as usize
    }

    /// Checks that a model can be built; the error names the key, its value and the rule.
    ///
    /// # Errors
    /// [`Error::Config`](crate::Error::Config).
    pub fn validate(&self) -> Result<()> {
        check_counts([
            ("in_channels", self.in_channels, 1),
            ("out_channels", self.out_channels, 1),
            ("patch_size", self.patch_size, 1),
            ("hidden_size", self.hidden_size, 1),
            ("depth", self.depth, 1),
            ("num_heads", self.num_heads, 1),
            ("num_class_embeds", self.num_class_embeds.unwrap_or(1), 1),
        ])?;
        if !self.hidden_size.is_multiple_of(4) {
            let why = "must be a multiple of 4: a sine and a cosine each for row and column";
            return refuse("hidden_size", self.hidden_size, why);
        }
        if !self.hidden_size.is_multiple_of(self.num_heads) {
            let why = format!("does not divide hidden_size = {}", self.hidden_size);
            return refuse("num_heads", self.num_heads, why);
        }
        if !(self.mlp_ratio.is_finite() && self.mlp_ratio <= 64.0 && self.mlp_width() >= 1) {
            return refuse("mlp_ratio", self.mlp_ratio, "must be positive, and at most 64");
        }
        if let Some(size) = self.sample_size
            && size.sides().iter().any(|&side| side == 0 || !side.is_multiple_of(self.patch_size))
        {
            let [height, width] = size.sides();
            let why = format!("height and width must be multiples of patch_size = {}", self.patch_size);
            return refuse("sample_size", format!("{height}x{width}"), why);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_built_is_named_with_its_key_and_value() {
        let error = |change: fn(&mut TransformerConfig)| {
            let mut config = TransformerConfig::default();
            assert!(config.validate().is_ok());
            change(&mut config);
            config.validate().unwrap_err().to_string()
        };
        assert!(error(|c| c.hidden_size = 18).starts_with("hidden_size = 18: must be a multiple of 4"));
        assert_eq!(error(|c| c.num_heads = 5), "num_heads = 5: does not divide hidden_size = 384");
        assert!(error(|c| c.depth = 0).starts_with("depth = 0"));
        assert!(error(|c| c.mlp_ratio = f64::NAN).starts_with("mlp_ratio = NaN"));
        assert!(error(|c| c.mlp_ratio = -1.0).starts_with("mlp_ratio = -1"));
        let size = error(|c| c.sample_size = Some(SampleSize::Square(27)));
        assert!(size.starts_with("sample_size = 27x27"), "{size}");
    }
}
