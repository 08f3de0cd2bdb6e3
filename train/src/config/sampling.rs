//! The section `sampling`.

use serde::{Deserialize, Serialize};
use tweedie_diffusion::{Clip, SamplerKind, SamplerSettings, Spacing, VarianceKind};

/// How pictures are painted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SamplingConfig {
    /// The sampler.
    pub sampler: SamplerKind,
    /// Its steps.
    pub steps: usize,
    /// How they are spread over time. Unset: trailing, or as a diffusers folder's scheduler has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub spacing: Option<Spacing>,
    /// DDIM's η: 0 is deterministic, 1 adds as much noise as DDPM.
    pub eta: f64,
    /// Noise that Euler's and Heun's steps add and take away again: S_churn (Karras et al. 2022, algorithm 2).
    pub churn: f64,
    /// Weight of classifier-free guidance: 1 is none (Ho, Salimans 2022, with w = `guidance` − 1).
    pub guidance: f64,
    /// How far guidance's stretch of the prediction is taken back, from 0 to 1 (Lin et al. 2024, eq. 16).
    pub guidance_rescale: f64,
    /// x̂_0 is kept within ± this; 0 leaves it alone.
    pub clip: f64,
    /// The quantile of |x̂_0| that takes the place of `clip` where it is above 1 (Saharia et al. 2022); 0 for none.
    pub threshold: f64,
    /// The variance of DDPM's reverse steps.
    pub variance: VarianceKind,
}

impl Default for SamplingConfig {
    fn default() -> Self {
        SamplingConfig {
            sampler: SamplerKind::Ddim,
            steps: 50,
            spacing: None,
            eta: 0.0,
            churn: 0.0,
            guidance: 1.5,
            guidance_rescale: 0.0,
            clip: 1.0,
            threshold: 0.0,
            variance: VarianceKind::FixedSmall,
        }
    }
}

impl SamplingConfig {
    /// What the sampler is built with.
    pub(crate) fn settings(&self) -> SamplerSettings {
        SamplerSettings {
            eta: self.eta,
            churn: self.churn,
            variance: self.variance,
            clip: self.clip(),
            ..SamplerSettings::new(self.sampler)
        }
    }

    /// What is done to x̂_0.
    pub fn clip(&self) -> Clip {
        if self.threshold > 0.0 {
            Clip::Dynamic { ratio: self.threshold, max: f64::INFINITY }
        } else if self.clip > 0.0 {
            Clip::At(self.clip)
        } else {
            Clip::Off
        }
    }
}
