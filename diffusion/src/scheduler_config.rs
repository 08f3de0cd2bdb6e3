use crate::{
    Clip, Ddim, Ddpm, Error, Grid, PredictionKind, Result, Schedule, Spacing, VarianceKind, single_precision,
};
use serde::{Deserialize, Serialize};

/// A diffusers `scheduler_config.json`, as its DDPM and DDIM schedulers read it, with their defaults (0.42.1).
/// Keys that these two do not have are ignored, as there; a value that is not supported here is refused by its key
/// when it is needed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct SchedulerConfig {
    /// The class that the file was saved from.
    #[serde(rename = "_class_name")]
    pub class_name: String,
    /// T.
    pub num_train_timesteps: usize,
    /// β_1.
    pub beta_start: f64,
    /// β_T.
    pub beta_end: f64,
    /// `linear`, `scaled_linear` or `squaredcos_cap_v2` (the cosine schedule).
    pub beta_schedule: String,
    /// Every β_t, in the place of the three keys before.
    pub trained_betas: Option<Vec<f64>>,
    /// Whether to rescale to zero terminal SNR.
    pub rescale_betas_zero_snr: bool,
    /// `epsilon`, `sample` or `v_prediction`.
    pub prediction_type: String,
    /// Whether x̂_0 is clipped.
    pub clip_sample: bool,
    /// To what range.
    pub clip_sample_range: f64,
    /// Dynamic thresholding, which is not supported.
    pub thresholding: bool,
    /// Whether DDIM's last step ends at the clean picture, or at index 0.
    pub set_alpha_to_one: bool,
    /// Added to the indices of leading spacing.
    pub steps_offset: usize,
    /// `leading`, `trailing` or `linspace`.
    pub timestep_spacing: String,
    /// The variance of DDPM's reverse step: `fixed_small`, `fixed_small_log` (the same) or `fixed_large`.
    pub variance_type: String,
}

impl Default for SchedulerConfig {
    fn default() -> SchedulerConfig {
        SchedulerConfig {
            class_name: "DDPMScheduler".into(),
            num_train_timesteps: 1000,
            beta_start: 1e-4,
            beta_end: 0.02,
            beta_schedule: "linear".into(),
            trained_betas: None,
            rescale_betas_zero_snr: false,
            prediction_type: "epsilon".into(),
            clip_sample: true,
            clip_sample_range: 1.0,
            thresholding: false,
            set_alpha_to_one: true,
            steps_offset: 0,
            timestep_spacing: "leading".into(),
            variance_type: "fixed_small".into(),
        }
    }
}

impl SchedulerConfig {
    /// The schedule, its ᾱ rounded to f32 as diffusers' are, and everything else computed from them in f64.
    ///
    /// # Errors
    /// [`Error::Unsupported`] for another `beta_schedule`; [`Error::Beta`] when a β leaves (0, 1);
    /// [`Error::Parameter`] when there are no steps, or fewer `trained_betas` than steps.
    pub fn schedule(&self) -> Result<Schedule> {
        let steps = self.num_train_timesteps;
        Schedule::check_timesteps(steps)?;
        let betas: Vec<f32> = match (&self.trained_betas, self.beta_schedule.as_str()) {
            (Some(betas), _) if betas.len() != steps => {
                let why = format!("there are {} trained_betas", betas.len());
                return Err(Error::parameter("schedule", "num_train_timesteps", steps, why));
            }
            (Some(betas), _) => betas.iter().map(|&beta| beta as f32).collect(),
            (None, "linear") => single_precision::linspace(self.beta_start, self.beta_end, steps),
            (None, "scaled_linear") => {
                let roots = single_precision::linspace(self.beta_start.sqrt(), self.beta_end.sqrt(), steps);
                roots.into_iter().map(|root| root * root).collect()
            }
            (None, "squaredcos_cap_v2") => {
                Schedule::cosine(steps)?.betas().iter().map(|&beta| beta as f32).collect()
            }
            (None, other) => {
                let supported = "linear, scaled_linear or squaredcos_cap_v2";
                return Err(unsupported("beta_schedule", other, supported));
            }
        };
        // The check of the betas themselves; what follows could only name what became of them.
        let exact = Schedule::from_betas(betas.iter().map(|&beta| f64::from(beta)).collect())?;
        let betas = if self.rescale_betas_zero_snr {
            exact.with_zero_terminal_snr()?;
            single_precision::with_zero_terminal_snr(&betas)
        } else {
            betas
        };
        let alphas_cumprod = single_precision::alphas_cumprod(&betas);
        Schedule::from_alphas_cumprod(alphas_cumprod.into_iter().map(f64::from).collect())
    }

    /// What the network predicts.
    ///
    /// # Errors
    /// [`Error::Unsupported`] for another `prediction_type`.
    pub fn prediction(&self) -> Result<PredictionKind> {
        match self.prediction_type.as_str() {
            "epsilon" => Ok(PredictionKind::Epsilon),
            "sample" => Ok(PredictionKind::Sample),
            "v_prediction" => Ok(PredictionKind::V),
            other => Err(unsupported("prediction_type", other, "epsilon, sample or v_prediction")),
        }
    }

    /// The variance of DDPM's reverse step.
    ///
    /// # Errors
    /// [`Error::Unsupported`] for another `variance_type`.
    pub fn variance(&self) -> Result<VarianceKind> {
        match self.variance_type.as_str() {
            "fixed_small" | "fixed_small_log" => Ok(VarianceKind::FixedSmall),
            "fixed_large" => Ok(VarianceKind::FixedLarge),
            other => Err(unsupported("variance_type", other, "fixed_small, fixed_small_log or fixed_large")),
        }
    }

    /// How sampling steps are spread.
    ///
    /// # Errors
    /// [`Error::Unsupported`] for another `timestep_spacing`.
    pub fn spacing(&self) -> Result<Spacing> {
        match self.timestep_spacing.as_str() {
            "leading" => Ok(Spacing::Leading),
            "trailing" => Ok(Spacing::Trailing),
            "linspace" => Ok(Spacing::Linspace),
            other => Err(unsupported("timestep_spacing", other, "leading, trailing or linspace")),
        }
    }

    /// What is done to x̂_0.
    ///
    /// # Errors
    /// [`Error::Unsupported`] when `thresholding` is set; [`Error::Parameter`] for a range that is not above 0.
    pub fn clip(&self) -> Result<Clip> {
        if self.thresholding {
            return Err(unsupported("thresholding", "true", "false"));
        }
        match (self.clip_sample, self.clip_sample_range) {
            (false, _) => Ok(Clip::Off),
            (true, range) if range > 0.0 => Ok(Clip::At(range)),
            (true, range) => {
                Err(Error::parameter("scheduler", "clip_sample_range", range, "must be above 0"))
            }
        }
    }

    /// diffusers' DDIM scheduler with this configuration, at `steps` steps: a step ends ⌊T / steps⌋ below its start,
    /// whatever the spacing, and the last at the clean picture or, without `set_alpha_to_one`, at index 0.
    ///
    /// # Errors
    /// As [`SchedulerConfig::schedule`], [`SchedulerConfig::clip`], [`Grid::new`] and [`Ddim::new`].
    pub fn ddim(&self, steps: usize, eta: f64) -> Result<Ddim> {
        let schedule = self.schedule()?;
        let grid = self.grid(steps)?.with_stride(self.num_train_timesteps / steps);
        let grid = if self.set_alpha_to_one { grid } else { grid.ending_at_first_index() };
        Ok(Ddim::new(&schedule, &grid, eta)?.clip(self.clip()?))
    }

    /// diffusers' DDPM scheduler with this configuration, at `steps` steps: a step ends where the next begins.
    ///
    /// # Errors
    /// As [`SchedulerConfig::schedule`], [`SchedulerConfig::clip`], [`SchedulerConfig::variance`] and [`Grid::new`].
    pub fn ddpm(&self, steps: usize) -> Result<Ddpm> {
        Ok(Ddpm::new(&self.schedule()?, &self.grid(steps)?, self.variance()?)?.clip(self.clip()?))
    }

    fn grid(&self, steps: usize) -> Result<Grid> {
        Grid::new(self.num_train_timesteps, steps, self.spacing()?, self.steps_offset)
    }
}

fn unsupported(key: &'static str, value: &str, supported: &'static str) -> Error {
    Error::Unsupported { key, value: value.to_string(), supported }
}
