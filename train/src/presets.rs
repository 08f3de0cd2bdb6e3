//! Configurations by name.

use crate::config::{Config, DiffusionConfig};
use crate::data::Source;
use crate::{Error, Result};
use tweedie_diffusion::{PredictionKind, ScheduleKind, TimestepSampling, Weighting};
use tweedie_nn::UNetConfig;
use tweedie_nn::layers::TimeShift;

/// The names that [`Config::preset`] knows.
pub const PRESETS: [&str; 4] = ["digits", "pictures", "small", "cifar"];

impl Config {
    /// A configuration by name.
    ///
    /// * `digits`: grey pictures of up to about 32×32, learnt in minutes on two cores.
    /// * `pictures`: the same for small colour pictures.
    /// * `small`, `cifar`: the networks that this program is measured on (3.9 and 35.7 million parameters, the
    ///   second that of google/ddpm-cifar10-32), trained as Ho et al. 2020 did.
    ///
    /// # Errors
    /// A name that is none of [`PRESETS`].
    pub fn preset(name: &str) -> Result<Config> {
        let mut config = Config::default();
        match name {
            "digits" => config.model = compact(vec![64, 128]),
            "pictures" => config.model = compact(vec![96, 192]),
            "small" | "cifar" => {
                config.model = if name == "small" { UNetConfig::small() } else { UNetConfig::cifar() };
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
        if source.shape()[0] == 1 { "digits" } else { "pictures" }
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
        assert!(Config::preset("huge").unwrap_err().to_string().contains("digits, pictures"));
    }
}
