//! Configurations by name.

use super::diffusion::DiffusionConfig;
use super::root::Config;
use crate::data::{POINT, Source};
use crate::{Error, Result};
use tweedie_diffusion::{PredictionKind, ScheduleKind, TimestepSampling, Weighting};
use tweedie_nn::caption::CaptionConfig;
use tweedie_nn::layers::TimeShift;
use tweedie_nn::{MlpConfig, NetworkConfig, TransformerConfig, UNetConfig};

/// A small batch, for networks that gain more from many steps than from steps with little noise: in the same time on
/// `glyphs`, four times the steps with a quarter of the batch made readable digits out of torn ones.
const MANY_STEPS: usize = 16;

/// Points a step, and how long a run in the plane trains when nothing says so.
const POINTS_A_STEP: usize = 256;
const SECONDS_IN_THE_PLANE: f64 = 25.0;

/// The fewest steps for which the network of the preset `digits` draws better digits than a smaller one. Two cores take
/// twice as many in three minutes.
pub(crate) const ENOUGH_STEPS: f64 = 240.0;

/// A configuration that learns readable digits in less time than `digits`.
pub(crate) struct Smaller {
    pub(crate) model: NetworkConfig,
    pub(crate) batch: usize,
    pub(crate) learning_rate: f64,
    /// The weight of guidance: a network that has learnt less needs more of it to draw a digit whole.
    pub(crate) guidance: f64,
    /// The fewest steps for which it draws better digits than a network that is smaller still.
    pub(crate) enough: f64,
    pub(crate) description: &'static str,
}

/// The networks below that of `digits`, the largest first.
pub(crate) fn smaller_digits() -> [Smaller; 2] {
    [([32, 64], "32 and 64 channels"), ([16, 32], "16 and 32 channels")].map(|(channels, description)| {
        Smaller {
            model: compact(channels.to_vec()).into(),
            batch: MANY_STEPS,
            learning_rate: 2e-3,
            guidance: 3.0,
            enough: 1000.0,
            description,
        }
    })
}

/// The names that [`Config::preset`] knows.
pub const PRESETS: [&str; 7] = ["digits", "pictures", "transformer", "captions", "plane", "small", "cifar"];

impl Config {
    /// A configuration by name.
    ///
    /// * `digits`: grey pictures of up to about 32×32, learnt in minutes on two cores.
    /// * `pictures`: the same for small colour pictures.
    /// * `transformer`: a diffusion transformer for what `digits` is for.
    /// * `captions`: a UNet that reads captions, for `scenes`.
    /// * `plane`: a residual MLP for points of the plane, learnt in half a minute.
    /// * `small`, `cifar`: the networks that this program is measured on (3.9 and 35.7 million parameters, the
    ///   second that of google/ddpm-cifar10-32), trained as Ho et al. 2020 did.
    ///
    /// # Errors
    /// A name that is none of [`PRESETS`].
    pub fn preset(name: &str) -> Result<Config> {
        let mut config = Config::default();
        match name {
            "digits" => config.model = compact(vec![64, 128]).into(),
            "pictures" => config.model = compact(vec![96, 192]).into(),
            "transformer" => {
                config.model = patches_as_tokens().into();
                config.train.batch = MANY_STEPS;
            }
            "captions" => {
                config.data.source = "scenes".into();
                config.model = captioned();
                config.train.batch = MANY_STEPS;
                config.sampling.guidance = 4.0;
            }
            "plane" => {
                config.data.source = "moons".into();
                config.model = MlpConfig::default().into();
                config.train.batch = POINTS_A_STEP;
                config.train.time_budget = Some(SECONDS_IN_THE_PLANE);
                config.optimizer.learning_rate = 2e-3;
                config.sampling.guidance = 1.0;
                // Points are standardised, and go beyond what pictures can be.
                config.sampling.clip = 0.0;
            }
            "small" | "cifar" => {
                config.model = if name == "small" { UNetConfig::small() } else { UNetConfig::cifar() }.into();
                config.diffusion = as_ho_et_al();
                config.optimizer.learning_rate = 2e-4;
                config.train.class_conditional = false;
                config.train.batch = if name == "small" { 64 } else { 8 };
                config.sampling.guidance = 1.0;
            }
            _ => {
                return Err(Error::config(
                    format!("no preset named '{name}'"),
                    "--preset",
                    format!("give one of {}", PRESETS.join(", ")),
                ));
            }
        }
        Ok(config)
    }

    /// The preset that suits these pictures.
    pub fn preset_for(source: &dyn Source) -> &'static str {
        match source.shape()[0] {
            _ if source.shape() == POINT => "plane",
            1 => "digits",
            _ if source.classes().len() < 2 && !source.words().is_empty() => "captions",
            _ => "pictures",
        }
    }
}

/// A UNet over patches of 2×2 pixels, so that the costliest size is a quarter of the picture.
fn compact(block_out_channels: Vec<usize>) -> UNetConfig {
    let names = |names: [&str; 2]| names.map(String::from).to_vec();
    UNetConfig {
        patch_size: 2,
        block_out_channels,
        down_block_types: names(["DownBlock2D", "AttnDownBlock2D"]),
        up_block_types: names(["AttnUpBlock2D", "UpBlock2D"]),
        layers_per_block: 1,
        attention_head_dim: Some(32),
        norm_num_groups: 16,
        resnet_time_scale_shift: TimeShift::ScaleShift,
        attn_norm_num_groups: Some(16),
        zero_init_output: true,
        ..UNetConfig::default()
    }
}

/// 49 tokens of 4×4 pixels for a picture of 28×28.
fn patches_as_tokens() -> TransformerConfig {
    TransformerConfig {
        patch_size: 4,
        hidden_size: 128,
        depth: 6,
        num_heads: 4,
        ..TransformerConfig::default()
    }
}

/// The UNet of `digits` with cross-attention, and the encoder of the captions that it attends to.
fn captioned() -> NetworkConfig {
    let caption = CaptionConfig::default();
    let unet = UNetConfig { cross_attention_dim: Some(caption.width), ..compact(vec![64, 128]) };
    NetworkConfig { caption: Some(caption), ..unet.into() }
}

fn as_ho_et_al() -> DiffusionConfig {
    DiffusionConfig {
        schedule: ScheduleKind::Linear,
        prediction: PredictionKind::Epsilon,
        weighting: Weighting::Simple,
        timestep_sampling: TimestepSampling::Uniform,
        ..DiffusionConfig::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_preset_is_a_configuration_and_no_other_name_is() {
        for name in PRESETS {
            let config = Config::preset(name).unwrap();
            let text = config.to_toml().unwrap();
            assert_eq!(Config::from_toml(&text, name).unwrap(), config);
        }
        for smaller in smaller_digits() {
            let config = Config { model: smaller.model, ..Config::default() };
            assert_eq!(Config::from_toml(&config.to_toml().unwrap(), smaller.description).unwrap(), config);
        }
        assert!(Config::preset("huge").unwrap_err().to_string().contains("digits, pictures"));
    }
}
