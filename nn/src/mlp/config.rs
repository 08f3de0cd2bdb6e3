use crate::Result;
use crate::config::{SampleSize, check_counts, refuse};
use serde::{Deserialize, Serialize};

/// The configuration of a [`ResidualMlp`](super::ResidualMlp).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MlpConfig {
    /// Height and width of the pictures, of which no others run.
    pub sample_size: Option<SampleSize>,
    /// Channels of the input.
    pub in_channels: usize,
    /// Channels of the output.
    pub out_channels: usize,
    /// Width of the layers.
    pub hidden_size: usize,
    /// Number of residual blocks.
    pub depth: usize,
    /// Number of classes; none for a model without classes.
    pub num_class_embeds: Option<usize>,
}

impl Default for MlpConfig {
    /// For points of the plane: two channels of one pixel.
    fn default() -> Self {
        MlpConfig {
            sample_size: Some(SampleSize::Square(1)),
            in_channels: 2,
            out_channels: 2,
            hidden_size: 128,
            depth: 4,
            num_class_embeds: None,
        }
    }
}

impl MlpConfig {
    /// Height and width of the pictures; one pixel where the configuration does not say.
    pub(super) fn sides(&self) -> [usize; 2] {
        self.sample_size.map_or([1, 1], SampleSize::sides)
    }

    /// Checks that a model can be built; the error names the key, its value and the rule.
    ///
    /// # Errors
    /// [`Error::Config`](crate::Error::Config).
    pub fn validate(&self) -> Result<()> {
        check_counts([
            ("in_channels", self.in_channels, 1),
            ("out_channels", self.out_channels, 1),
            ("hidden_size", self.hidden_size, 1),
            ("depth", self.depth, 1),
            ("num_class_embeds", self.num_class_embeds.unwrap_or(1), 1),
        ])?;
        let [height, width] = self.sides();
        if [height, width].iter().any(|&side| side == 0 || side > 1 << 12) {
            let why = "height and width must be at least 1, and at most 2^12";
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
        let error = |change: fn(&mut MlpConfig)| {
            let mut config = MlpConfig::default();
            assert!(config.validate().is_ok());
            change(&mut config);
            config.validate().unwrap_err().to_string()
        };
        assert!(error(|c| c.depth = 0).starts_with("depth = 0: must be at least 1"));
        assert!(error(|c| c.hidden_size = 1 << 20).starts_with("hidden_size = 1048576"));
        assert!(error(|c| c.num_class_embeds = Some(0)).starts_with("num_class_embeds = 0"));
        let size = error(|c| c.sample_size = Some(SampleSize::Sides([0, 2])));
        assert!(size.starts_with("sample_size = 0x2"), "{size}");
    }
}
