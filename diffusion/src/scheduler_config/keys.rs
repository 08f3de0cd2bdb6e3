use super::class::SchedulerClass;
use crate::{Error, Result};
use serde::{Deserialize, Deserializer, Serialize};

/// A diffusers `scheduler_config.json`, as the classes of [`SchedulerClass`] read it (0.42.1). What is not there is
/// `None` where the default depends on the class. Keys that a class does not have are ignored, as there; a value that is
/// not supported here is refused by its key when it is needed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct SchedulerConfig {
    /// The class that the file was saved from.
    #[serde(rename = "_class_name")]
    pub class_name: String,
    /// T.
    pub num_train_timesteps: usize,
    /// β_1.
    pub beta_start: Option<f64>,
    /// β_T.
    pub beta_end: Option<f64>,
    /// `linear`, `scaled_linear`, `squaredcos_cap_v2` (the cosine schedule), `sigmoid`, or for Heun `exp`. diffusers has
    /// `sigmoid` in DDPM alone.
    pub beta_schedule: Option<String>,
    /// Every β_t, in the place of the three keys before.
    pub trained_betas: Option<Vec<f64>>,
    /// Whether to rescale to zero terminal SNR.
    pub rescale_betas_zero_snr: bool,
    /// `epsilon`, `sample` or `v_prediction`.
    pub prediction_type: String,
    /// Whether x̂_0 is clipped.
    pub clip_sample: Option<bool>,
    /// To what range.
    pub clip_sample_range: f64,
    /// Dynamic thresholding, which comes before clipping.
    pub thresholding: bool,
    /// Its quantile.
    pub dynamic_thresholding_ratio: f64,
    /// Its largest threshold.
    pub sample_max_value: f64,
    /// Whether the last step of DDIM or PNDM ends at the clean picture, or at index 0.
    pub set_alpha_to_one: Option<bool>,
    /// Added to the indices of leading spacing.
    pub steps_offset: usize,
    /// `leading`, `trailing` or `linspace`.
    pub timestep_spacing: Option<String>,
    /// The variance of DDPM's reverse step: `fixed_small`, `fixed_small_log` (the same), `fixed_large`, or what the model
    /// says: `learned_range`, a place between the two, or `learned`, the variance itself.
    pub variance_type: Option<String>,
    /// Whether noise levels are those of Karras et al. 2022, eq. 5, with ρ = 7.
    #[serde(deserialize_with = "or_default")]
    pub use_karras_sigmas: bool,
    /// Whether noise levels are of even steps in their logarithm.
    #[serde(deserialize_with = "or_default")]
    pub use_exponential_sigmas: bool,
    /// Whether noise levels are quantiles of a beta distribution (Lee et al. 2024), α = β = 0.6.
    #[serde(deserialize_with = "or_default")]
    pub use_beta_sigmas: bool,
    /// The same, of DPM-Solver++ alone, between the ends of the schedule (Lu et al. 2022).
    #[serde(deserialize_with = "or_default")]
    pub use_lu_lambdas: bool,
    /// The levels of a rectified flow, which is not supported.
    #[serde(deserialize_with = "or_default")]
    pub use_flow_sigmas: bool,
    /// The smallest of such noise levels, if not the schedule's; of all classes that have such levels,
    /// also those that do not declare the key.
    pub sigma_min: Option<f64>,
    /// The largest of them, if not the schedule's.
    pub sigma_max: Option<f64>,
    /// Where the last step ends: `zero`, the clean picture, or `sigma_min`, index 0 (in UniPC, where levels are Karras' or
    /// exponential, the smallest of them).
    pub final_sigmas_type: String,
    /// How Euler's noise levels lie: `linear` between those of the indices, or `log_linear` over the whole schedule.
    pub interpolation_type: String,
    /// Euler's clock: `discrete`, or for models of v `continuous`, ln(σ) / 4.
    pub timestep_type: String,
    /// `dpmsolver++`, on ε̂ `dpmsolver`, or with noise `sde-dpmsolver++` and `sde-dpmsolver`. Classes take each other's names
    /// as their own default.
    pub algorithm_type: String,
    /// `midpoint` or `heun` for DPM-Solver, `bh1` or `bh2` for UniPC, `logrho` for DEIS. Each reads the others' as its
    /// default.
    pub solver_type: Option<String>,
    /// The order of DPM-Solver, DEIS or UniPC, 1 to 3.
    pub solver_order: usize,
    /// Whether the last steps are of lower order.
    pub lower_order_final: Option<bool>,
    /// Whether DPM-Solver's last step is of first order.
    pub euler_at_final: bool,
    /// Below which ln(signal / noise) DPM-Solver does not start.
    pub lambda_min_clipped: Option<f64>,
    /// Whether UniPC works on x̂_0, which it must here.
    pub predict_x0: bool,
    /// The steps that UniPC does not correct.
    pub disable_corrector: Vec<usize>,
    /// Whether PNDM starts without Runge–Kutta steps.
    pub skip_prk_steps: bool,
    /// The number of steps that a consistency model was distilled with, of which its sampling steps are some.
    pub original_inference_steps: usize,
    /// What LCM multiplies the clock by.
    pub timestep_scaling: f64,
}

impl Default for SchedulerConfig {
    fn default() -> SchedulerConfig {
        SchedulerConfig {
            class_name: SchedulerClass::Ddpm.name().into(),
            num_train_timesteps: 1000,
            beta_start: None,
            beta_end: None,
            beta_schedule: None,
            trained_betas: None,
            rescale_betas_zero_snr: false,
            prediction_type: "epsilon".into(),
            clip_sample: None,
            clip_sample_range: 1.0,
            thresholding: false,
            dynamic_thresholding_ratio: 0.995,
            sample_max_value: 1.0,
            set_alpha_to_one: None,
            steps_offset: 0,
            timestep_spacing: None,
            variance_type: None,
            use_karras_sigmas: false,
            use_exponential_sigmas: false,
            use_beta_sigmas: false,
            use_lu_lambdas: false,
            use_flow_sigmas: false,
            sigma_min: None,
            sigma_max: None,
            final_sigmas_type: "zero".into(),
            interpolation_type: "linear".into(),
            timestep_type: "discrete".into(),
            algorithm_type: "dpmsolver++".into(),
            solver_type: None,
            solver_order: 2,
            lower_order_final: None,
            euler_at_final: false,
            lambda_min_clipped: None,
            predict_x0: true,
            disable_corrector: Vec::new(),
            skip_prk_steps: false,
            original_inference_steps: 50,
            timestep_scaling: 10.0,
        }
    }
}

/// `null` as the default.
fn or_default<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(value: D) -> Result<T, D::Error> {
    Ok(Option::deserialize(value)?.unwrap_or_default())
}

/// The error for a value of a key that is not supported.
pub(super) fn unsupported(key: &'static str, value: &str, supported: &'static str) -> Error {
    Error::Unsupported { key, value: value.to_string(), supported }
}
