use super::class::SchedulerClass;
use super::keys::{SchedulerConfig, unsupported};
use crate::{Error, Result, Schedule, single_precision};
use tweedie_tensor::Number;

impl SchedulerConfig {
    /// The schedule, its ᾱ rounded to f32 as diffusers' are, and everything else computed from them in f64.
    ///
    /// # Errors
    /// [`Error::Unsupported`] for another `beta_schedule` or `_class_name`; [`Error::Beta`] when a β leaves (0, 1);
    /// [`Error::Parameter`] when there are no steps, or fewer `trained_betas` than steps.
    pub fn schedule(&self) -> Result<Schedule> {
        let class = self.class()?;
        let steps = self.num_train_timesteps;
        Schedule::check_timesteps(steps)?;
        let (start, end) = class.beta_ends();
        let (start, end) = (self.beta_start.unwrap_or(start), self.beta_end.unwrap_or(end));
        let betas: Vec<f32> =
            match (&self.trained_betas, self.beta_schedule.as_deref().unwrap_or(class.beta_schedule())) {
                (Some(betas), _) if betas.len() != steps => {
                    let why = format!("there are {} trained_betas", betas.len());
                    return Err(Error::parameter("schedule", "num_train_timesteps", steps, why));
                }
                (Some(betas), _) => betas.iter().map(|&beta| beta as f32).collect(),
                (None, "linear") => single_precision::linspace(start, end, steps),
                (None, "scaled_linear") => {
                    let roots = single_precision::linspace(start.sqrt(), end.sqrt(), steps);
                    roots.into_iter().map(|root| root * root).collect()
                }
                (None, "squaredcos_cap_v2") => {
                    Schedule::cosine(steps)?.betas().iter().map(|&beta| beta as f32).collect()
                }
                (None, "sigmoid") => {
                    let place = |x: f32| f64::from(Number::sigmoid(x)) * (end - start) + start;
                    single_precision::linspace(-6.0, 6.0, steps)
                        .into_iter()
                        .map(|x| place(x) as f32)
                        .collect()
                }
                (None, "exp") if class == SchedulerClass::Heun => {
                    let alpha_bar = |t: usize| Number::exp(-12.0 * (t as f64 / steps as f64));
                    (0..steps).map(|t| (1.0 - alpha_bar(t + 1) / alpha_bar(t)).min(0.999) as f32).collect()
                }
                (None, other) => {
                    let supported = match class {
                        SchedulerClass::Heun => "linear, scaled_linear, squaredcos_cap_v2, sigmoid or exp",
                        _ => "linear, scaled_linear, squaredcos_cap_v2 or sigmoid",
                    };
                    return Err(unsupported("beta_schedule", other, supported));
                }
            };
        // The check of the betas themselves; what follows could only name what became of them.
        let exact = Schedule::from_betas(betas.iter().map(|&beta| f64::from(beta)).collect())?;
        let betas = if self.rescale_betas_zero_snr && class.rescales() {
            exact.with_zero_terminal_snr()?;
            single_precision::with_zero_terminal_snr(&betas)
        } else {
            betas
        };
        let alphas_cumprod = single_precision::alphas_cumprod(&betas);
        Schedule::from_alphas_cumprod(alphas_cumprod.into_iter().map(f64::from).collect())
    }
}
