use crate::Result;
use crate::config::{SampleSize, refuse};
use crate::layers::TimeShift;
use serde::{Deserialize, Serialize};

/// The keys of diffusers' `UNet2DModel`, with its defaults. Of the values that it allows, some are supported; the others are
/// refused by name.
///
/// The defaults are not the configuration of google/ddpm-cifar10-32; that is [`UNetConfig::cifar`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct UNetConfig {
    /// Height and width that the model is trained for; others run if they can be halved often enough.
    pub sample_size: Option<SampleSize>,
    /// Channels of the input.
    pub in_channels: usize,
    /// Channels of the output.
    pub out_channels: usize,
    /// Whether the input is first mapped from \[0, 1\] to \[−1, 1\].
    pub center_input_sample: bool,
    /// Only `positional`.
    pub time_embedding_type: String,
    /// Length of the time embedding; by default, four times the first of `block_out_channels`.
    pub time_embedding_dim: Option<usize>,
    /// See [`Sinusoid::downscale_freq_shift`](crate::layers::Sinusoid::downscale_freq_shift).
    pub freq_shift: f64,
    /// See [`Sinusoid::flip_sin_to_cos`](crate::layers::Sinusoid::flip_sin_to_cos).
    pub flip_sin_to_cos: bool,
    /// `DownBlock2D`, `AttnDownBlock2D` or `ResnetDownsampleBlock2D`, from the largest picture to the smallest.
    pub down_block_types: Vec<String>,
    /// `UNetMidBlock2D` or none.
    #[serde(with = "super::or_none")]
    pub mid_block_type: Option<String>,
    /// `UpBlock2D`, `AttnUpBlock2D` or `ResnetUpsampleBlock2D`, from the smallest picture to the largest.
    pub up_block_types: Vec<String>,
    /// Channels at each size, from the largest picture to the smallest.
    pub block_out_channels: Vec<usize>,
    /// Residual blocks at each size on the way down; on the way up there is one more.
    pub layers_per_block: usize,
    /// Divisor of the sums in the middle blocks.
    pub mid_block_scale_factor: f64,
    /// 0 or 1; 0 means one row below and one column to the right.
    pub downsample_padding: usize,
    /// How `AttnDownBlock2D` halves the picture: `conv` or `resnet`.
    pub downsample_type: String,
    /// How `AttnUpBlock2D` doubles the picture: `conv` or `resnet`.
    pub upsample_type: String,
    /// Share of numbers that dropout sets to 0 before the second convolution of each residual block; at least 0, below 1.
    pub dropout: f64,
    /// Only `silu`, also spelt `swish`.
    pub act_fn: String,
    /// Channels of an attention head; none for a single head over all channels.
    #[serde(with = "super::or_none")]
    pub attention_head_dim: Option<usize>,
    /// Groups of every normalisation; see `attn_norm_num_groups` for the middle attention's.
    pub norm_num_groups: usize,
    /// Groups of the middle attention's normalisation. By default `norm_num_groups`, or, when
    /// `resnet_time_scale_shift` is not `default`, no normalisation there at all.
    pub attn_norm_num_groups: Option<usize>,
    /// The ε of the normalisations.
    pub norm_eps: f64,
    /// How the time embedding enters the residual blocks.
    pub resnet_time_scale_shift: TimeShift,
    /// Whether the middle block attends.
    pub add_attention: bool,
    /// Only none: classes are embedded by a table.
    pub class_embed_type: Option<String>,
    /// Number of classes; none for a model without classes.
    pub num_class_embeds: Option<usize>,
    /// Not read: it matters only for learned time embeddings.
    pub num_train_timesteps: Option<usize>,
    /// Whether the last convolution starts at zero, so that an untrained model predicts zero. Not a key of diffusers; without
    /// effect on a model whose weights are loaded.
    pub zero_init_output: bool,
    /// The side of the square patches that the network treats as single pixels: with 2, a picture of 28×28 pixels runs at
    /// 14×14, a quarter of the work. Not a key of diffusers, which has no patches: 1.
    pub patch_size: usize,
    /// Length of a context token; every self-attention is then followed by cross-attention to the context. None for a model
    /// without context. Not a key of diffusers' unconditional UNet.
    pub cross_attention_dim: Option<usize>,
}

impl Default for UNetConfig {
    fn default() -> Self {
        UNetConfig {
            sample_size: None,
            in_channels: 3,
            out_channels: 3,
            center_input_sample: false,
            time_embedding_type: "positional".to_string(),
            time_embedding_dim: None,
            freq_shift: 0.0,
            flip_sin_to_cos: true,
            down_block_types: names(&[DOWN, ATTN_DOWN, ATTN_DOWN, ATTN_DOWN]),
            mid_block_type: Some("UNetMidBlock2D".to_string()),
            up_block_types: names(&[ATTN_UP, ATTN_UP, ATTN_UP, UP]),
            block_out_channels: vec![224, 448, 672, 896],
            layers_per_block: 2,
            mid_block_scale_factor: 1.0,
            downsample_padding: 1,
            downsample_type: "conv".to_string(),
            upsample_type: "conv".to_string(),
            dropout: 0.0,
            act_fn: "silu".to_string(),
            attention_head_dim: Some(8),
            norm_num_groups: 32,
            attn_norm_num_groups: None,
            norm_eps: 1e-5,
            resnet_time_scale_shift: TimeShift::Default,
            add_attention: true,
            class_embed_type: None,
            num_class_embeds: None,
            num_train_timesteps: None,
            zero_init_output: false,
            patch_size: 1,
            cross_attention_dim: None,
        }
    }
}

/// The most residual blocks at one size: more than any published model has.
const MOST_LAYERS: usize = 128;

/// The longest side of a picture.
const MOST_PIXELS: usize = 1 << 14;

const DOWN: &str = "DownBlock2D";
const ATTN_DOWN: &str = "AttnDownBlock2D";
const UP: &str = "UpBlock2D";
const ATTN_UP: &str = "AttnUpBlock2D";

fn names(list: &[&str]) -> Vec<String> {
    list.iter().map(ToString::to_string).collect()
}

/// The properties that a block type's name stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct BlockKind {
    /// Whether each residual block is followed by attention.
    pub(super) attention: bool,
    /// Whether the size changes in a residual block rather than in a convolution.
    pub(super) resnet_resample: bool,
}

impl UNetConfig {
    /// 28×28 grey, channels 32-64-128, attention at 7×7: 3,939,393 parameters.
    pub fn small() -> UNetConfig {
        UNetConfig {
            sample_size: Some(SampleSize::Square(28)),
            in_channels: 1,
            out_channels: 1,
            block_out_channels: vec![32, 64, 128],
            down_block_types: names(&[DOWN, DOWN, ATTN_DOWN]),
            up_block_types: names(&[ATTN_UP, UP, UP]),
            attention_head_dim: Some(32),
            ..UNetConfig::default()
        }
    }

    /// A small network of these widths, multiples of 8, each at half the size of the one before: one residual block for
    /// each on the way down, two on the way up, and attention in the middle alone.
    pub fn plain(widths: &[usize]) -> UNetConfig {
        UNetConfig {
            block_out_channels: widths.to_vec(),
            down_block_types: names(&vec![DOWN; widths.len()]),
            up_block_types: names(&vec![UP; widths.len()]),
            layers_per_block: 1,
            norm_num_groups: 8,
            ..UNetConfig::small()
        }
    }

    /// The model of google/ddpm-cifar10-32 (Ho et al. 2020, appendix B): 35,746,307 parameters.
    pub fn cifar() -> UNetConfig {
        UNetConfig {
            sample_size: Some(SampleSize::Square(32)),
            block_out_channels: vec![128, 256, 256, 256],
            down_block_types: names(&[DOWN, ATTN_DOWN, DOWN, DOWN]),
            up_block_types: names(&[UP, UP, ATTN_UP, UP]),
            attention_head_dim: None,
            norm_eps: 1e-6,
            freq_shift: 1.0,
            flip_sin_to_cos: false,
            downsample_padding: 0,
            ..UNetConfig::default()
        }
    }

    /// Length of the time embedding that the blocks read.
    pub fn time_width(&self) -> usize {
        self.time_embedding_dim
            .unwrap_or_else(|| self.block_out_channels.first().map_or(0, |&first| first.saturating_mul(4)))
    }

    /// What height and width must be multiples of.
    pub fn size_multiple(&self) -> usize {
        // Asked of configurations that are not checked yet, too.
        let halvings = self.block_out_channels.len().saturating_sub(1).min(16);
        self.patch_size.saturating_mul(1 << halvings)
    }

    /// Checks that a model can be built; the error names the key, its value and the rule.
    ///
    /// # Errors
    /// [`Error::Config`](crate::Error::Config).
    pub fn validate(&self) -> Result<()> {
        let levels = self.block_out_channels.len();
        if levels == 0 || levels > 16 {
            let value = format!("{:?}", self.block_out_channels);
            return refuse("block_out_channels", value, "needs between 1 and 16 channel counts");
        }
        for (key, types) in
            [("down_block_types", &self.down_block_types), ("up_block_types", &self.up_block_types)]
        {
            if types.len() != levels {
                let why = format!("needs {levels} names, as many as block_out_channels has numbers");
                return refuse(key, format!("{types:?}"), why);
            }
        }
        self.down_blocks()?;
        self.up_blocks()?;
        for (key, value) in [
            ("in_channels", self.in_channels),
            ("out_channels", self.out_channels),
            ("patch_size", self.patch_size),
            ("norm_num_groups", self.norm_num_groups),
            ("time_embedding_dim", self.time_width()),
            ("num_class_embeds", self.num_class_embeds.unwrap_or(1)),
            ("attention_head_dim", self.attention_head_dim.unwrap_or(1)),
            ("cross_attention_dim", self.cross_attention_dim.unwrap_or(1)),
        ] {
            if value == 0 || value > 1 << 20 {
                return refuse(key, value, "must be at least 1, and at most 2^20");
            }
        }
        if !(1..=MOST_LAYERS).contains(&self.layers_per_block) {
            let why = format!("must be at least 1, and at most {MOST_LAYERS}");
            return refuse("layers_per_block", self.layers_per_block, why);
        }
        for &channels in &self.block_out_channels {
            self.validate_channels(channels)?;
            if self.cross_attention_dim.is_some() && !channels.is_multiple_of(4) {
                let why = "must be multiples of 4 with cross_attention_dim: a sine and a cosine each for row and column";
                return refuse("block_out_channels", channels, why);
            }
        }
        if let Some(groups) = self.attn_norm_num_groups {
            let channels = self.block_out_channels[levels - 1];
            if groups == 0 || !channels.is_multiple_of(groups) {
                let why = format!("does not divide the {channels} channels of the middle block");
                return refuse("attn_norm_num_groups", groups, why);
            }
        }
        for (key, value, allowed) in [
            ("time_embedding_type", self.time_embedding_type.as_str(), &["positional"][..]),
            ("act_fn", &self.act_fn, &["silu", "swish"]),
            ("downsample_type", &self.downsample_type, &["conv", "resnet"]),
            ("upsample_type", &self.upsample_type, &["conv", "resnet"]),
            ("mid_block_type", self.mid_block_type.as_deref().unwrap_or("none"), &["UNetMidBlock2D", "none"]),
            ("class_embed_type", self.class_embed_type.as_deref().unwrap_or("none"), &["none"]),
        ] {
            if !allowed.contains(&value) {
                return refuse(key, format!("\"{value}\""), one_of(allowed));
            }
        }
        if self.downsample_padding > 1 {
            return refuse("downsample_padding", self.downsample_padding, "is not supported; 0 and 1 are");
        }
        if !(0.0..1.0).contains(&self.dropout) {
            return refuse("dropout", self.dropout, "must be at least 0, and below 1");
        }
        for (key, value) in
            [("norm_eps", self.norm_eps), ("mid_block_scale_factor", self.mid_block_scale_factor)]
        {
            if !(value.is_finite() && value > 0.0) {
                return refuse(key, value, "must be a positive number");
            }
        }
        let half = self.block_out_channels[0] / 2;
        if !(self.freq_shift >= 0.0 && self.freq_shift < half as f64) {
            let why = format!("must be between 0 and below {half}, half of the first of block_out_channels");
            return refuse("freq_shift", self.freq_shift, why);
        }
        if let Some(size) = self.sample_size {
            let multiple = self.size_multiple();
            if let Some(side) = size.sides().into_iter().find(|&side| side > MOST_PIXELS) {
                return refuse("sample_size", side, format!("must be at most {MOST_PIXELS}"));
            }
            if size.sides().iter().any(|&side| side == 0 || !side.is_multiple_of(multiple)) {
                let [height, width] = size.sides();
                let why = format!(
                    "height and width must be multiples of {multiple}, to be halved {} times",
                    levels - 1
                );
                return refuse("sample_size", format!("{height}x{width}"), why);
            }
        }
        Ok(())
    }

    fn validate_channels(&self, channels: usize) -> Result<()> {
        if channels == 0 || channels > 1 << 16 {
            return refuse("block_out_channels", channels, "must be at least 1, and at most 2^16");
        }
        if !channels.is_multiple_of(self.norm_num_groups) {
            let why = format!("norm_num_groups = {} does not divide it", self.norm_num_groups);
            return refuse("block_out_channels", channels, why);
        }
        match self.attention_head_dim {
            Some(width) if width > channels && self.attends_at(channels) => {
                let why = format!("is more than a block of {channels} channels has");
                refuse("attention_head_dim", width, why)
            }
            _ => Ok(()),
        }
    }

    fn attends_at(&self, channels: usize) -> bool {
        let middle = self.mid_block_type.is_some() && self.add_attention;
        let of = |types: &[String], at: usize| types[at].contains("Attn");
        let last = self.block_out_channels.len() - 1;
        (0..=last).any(|level| {
            self.block_out_channels[level] == channels
                && (of(&self.down_block_types, level)
                    || of(&self.up_block_types, last - level)
                    || (middle && level == last))
        })
    }

    pub(super) fn down_blocks(&self) -> Result<Vec<BlockKind>> {
        let kinds = [DOWN, ATTN_DOWN, "ResnetDownsampleBlock2D"];
        self.blocks("down_block_types", &self.down_block_types, kinds, &self.downsample_type)
    }

    pub(super) fn up_blocks(&self) -> Result<Vec<BlockKind>> {
        let kinds = [UP, ATTN_UP, "ResnetUpsampleBlock2D"];
        self.blocks("up_block_types", &self.up_block_types, kinds, &self.upsample_type)
    }

    /// `kinds`: the plain block, the one with attention, the one that resamples in a residual block. `resample` applies only
    /// to the one with attention.
    fn blocks(
        &self,
        key: &str,
        types: &[String],
        kinds: [&str; 3],
        resample: &str,
    ) -> Result<Vec<BlockKind>> {
        let resnet = resample == "resnet";
        types
            .iter()
            .map(|name| match kinds.iter().position(|kind| kind == name) {
                Some(0) => Ok(BlockKind { attention: false, resnet_resample: false }),
                Some(1) => Ok(BlockKind { attention: true, resnet_resample: resnet }),
                Some(_) => Ok(BlockKind { attention: false, resnet_resample: true }),
                None => refuse(key, format!("\"{name}\""), one_of(&kinds)),
            })
            .collect()
    }
}

fn one_of(allowed: &[&str]) -> String {
    format!("is not supported; {} would do", allowed.join(" or "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(change: impl FnOnce(&mut UNetConfig)) -> String {
        let mut config = UNetConfig::small();
        change(&mut config);
        config.validate().unwrap_err().to_string()
    }

    #[test]
    fn what_cannot_be_built_is_named_with_its_key_and_value() {
        assert!(UNetConfig::small().validate().is_ok());
        assert!(UNetConfig::cifar().validate().is_ok());
        assert!(UNetConfig::default().validate().is_ok());
        assert_eq!(
            error(|c| c.block_out_channels[1] = 48),
            "block_out_channels = 48: norm_num_groups = 32 does not divide it"
        );
        assert_eq!(
            error(|c| c.sample_size = Some(SampleSize::Square(30))),
            "sample_size = 30x30: height and width must be multiples of 4, to be halved 2 times"
        );
        assert_eq!(
            error(|c| c.down_block_types[0] = "SkipDownBlock2D".to_string()),
            "down_block_types = \"SkipDownBlock2D\": is not supported; \
             DownBlock2D or AttnDownBlock2D or ResnetDownsampleBlock2D would do"
        );
        assert!(error(|c| c.act_fn = "gelu".to_string()).starts_with("act_fn = \"gelu\""));
        assert!(error(|c| c.up_block_types.truncate(1)).contains("needs 3 names"));
        assert!(error(|c| c.attention_head_dim = Some(129)).starts_with("attention_head_dim = 129"));
        assert!(error(|c| c.attn_norm_num_groups = Some(24)).contains("128 channels"));
        assert!(error(|c| c.dropout = 1.0).starts_with("dropout = 1"));
        assert!(error(|c| c.dropout = f64::NAN).starts_with("dropout = NaN"));
        assert!(error(|c| c.layers_per_block = 1_000_000).starts_with("layers_per_block = 1000000"));
        assert!(
            error(|c| c.sample_size = Some(SampleSize::Square(1_000_000)))
                .starts_with("sample_size = 1000000")
        );
        assert!(error(|c| c.block_out_channels[0] = usize::MAX).starts_with("time_embedding_dim = "));
        assert!(error(|c| c.norm_num_groups = 0).starts_with("norm_num_groups = 0"));
        assert!(error(|c| c.norm_eps = f64::NAN).starts_with("norm_eps = NaN"));
        assert!(error(|c| c.block_out_channels.clear()).starts_with("block_out_channels = []"));
        assert!(error(|c| c.freq_shift = 16.0).starts_with("freq_shift = 16"));
    }
}
