use super::class::SchedulerClass;
use super::keys::{SchedulerConfig, unsupported};
use crate::{Clip, Error, PredictionKind, Result, Spacing, VarianceKind};

impl SchedulerConfig {
    /// The class that the configuration is of.
    ///
    /// # Errors
    /// [`Error::Unsupported`](crate::Error::Unsupported) for another `_class_name`.
    pub fn class(&self) -> Result<SchedulerClass> {
        if self.is_of_flows() {
            let supported = "a scheduler of noise: the configuration of one of flows holds no betas";
            return Err(unsupported("_class_name", &self.class_name, supported));
        }
        let known = SchedulerClass::ALL.into_iter().find(|class| class.name() == self.class_name);
        known.ok_or_else(|| {
            let supported = "DDPMScheduler, DDIMScheduler, PNDMScheduler, EulerDiscreteScheduler, \
                             EulerAncestralDiscreteScheduler, HeunDiscreteScheduler, LMSDiscreteScheduler, \
                             KDPM2DiscreteScheduler, KDPM2AncestralDiscreteScheduler, DPMSolverMultistepScheduler, \
                             DPMSolverSinglestepScheduler, DEISMultistepScheduler, UniPCMultistepScheduler or LCMScheduler";
            unsupported("_class_name", &self.class_name, supported)
        })
    }

    /// This configuration for another class, as diffusers' `from_config` makes it: keys that are there stay, if that
    /// class has them; the others get its defaults. Keys that no class declares stay too, and count where they are read.
    ///
    /// One of flows stays what it is, and is refused where it is used: it holds no betas that another class could take.
    pub fn of_class(&self, class: SchedulerClass) -> SchedulerConfig {
        let class_name = if self.is_of_flows() { self.class_name.clone() } else { class.name().into() };
        SchedulerConfig { class_name, ..self.clone() }
    }

    /// Whether it is of a scheduler of flows, on the straight path from picture to noise.
    pub fn is_of_flows(&self) -> bool {
        const MARKS: [&str; 5] = ["Flow", "EulerAncestralRF", "SCMScheduler", "Helios", "Proteina"];
        MARKS.iter().any(|mark| self.class_name.contains(mark))
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

    /// The fixed variance of DDPM's reverse step; the small one where the model says its own, and in the other classes,
    /// which do not have the key.
    ///
    /// # Errors
    /// [`Error::Unsupported`] for another `variance_type`.
    pub fn variance(&self) -> Result<VarianceKind> {
        match self.variance_type.as_deref() {
            _ if self.class_name != SchedulerClass::Ddpm.name() => Ok(VarianceKind::FixedSmall),
            None | Some("fixed_small" | "fixed_small_log" | "learned" | "learned_range") => {
                Ok(VarianceKind::FixedSmall)
            }
            Some("fixed_large") => Ok(VarianceKind::FixedLarge),
            Some(other) => {
                let supported = "fixed_small, fixed_small_log, fixed_large, learned or learned_range";
                Err(unsupported("variance_type", other, supported))
            }
        }
    }

    /// How sampling steps are spread.
    ///
    /// # Errors
    /// [`Error::Unsupported`] for another `timestep_spacing` or `_class_name`.
    pub fn spacing(&self) -> Result<Spacing> {
        match self.timestep_spacing.as_deref().unwrap_or(self.class()?.spacing()) {
            "leading" => Ok(Spacing::Leading),
            "trailing" => Ok(Spacing::Trailing),
            "linspace" => Ok(Spacing::Linspace),
            other => Err(unsupported("timestep_spacing", other, "leading, trailing or linspace")),
        }
    }

    /// What is done to x̂_0.
    ///
    /// # Errors
    /// [`Error::Parameter`] for a range that is not above 0, a quantile outside [0, 1] or a largest threshold that is not;
    /// [`Error::Unsupported`] for another `_class_name`.
    pub fn clip(&self) -> Result<Clip> {
        const WHAT: &str = "scheduler";
        let class = self.class()?;
        if self.thresholding && class.thresholds() {
            let (ratio, max) = (self.dynamic_thresholding_ratio, self.sample_max_value);
            if !(0.0..=1.0).contains(&ratio) {
                let why = "must be between 0 and 1";
                return Err(Error::parameter(WHAT, "dynamic_thresholding_ratio", ratio, why));
            }
            // A threshold of 0 divides by 0.
            if max.is_nan() || max <= 0.0 {
                return Err(Error::parameter(WHAT, "sample_max_value", max, "must be above 0"));
            }
            return Ok(Clip::Dynamic { ratio, max });
        }
        let clips = class.clips().is_some_and(|default| self.clip_sample.unwrap_or(default));
        match (clips, self.clip_sample_range) {
            (false, _) => Ok(Clip::Off),
            (true, range) if range > 0.0 => Ok(Clip::At(range)),
            (true, range) => Err(Error::parameter(WHAT, "clip_sample_range", range, "must be above 0")),
        }
    }
}
