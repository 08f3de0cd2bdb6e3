use crate::{
    Clip, Gaussian, Prediction, PredictionKind, Result, Schedule, ScheduleConfig, Transition, VarianceKind,
};
use tweedie_tensor::Tensor;

/// What is verified: the program, function by function. The defaults are the program's own; a test replaces one by a
/// faulty one.
pub trait Subject {
    /// [`ScheduleConfig::build`].
    ///
    /// # Errors
    /// Its own.
    fn schedule(&self, config: &ScheduleConfig) -> Result<Schedule> {
        config.build()
    }

    /// [`Schedule::q_sample`].
    ///
    /// # Errors
    /// Its own.
    fn q_sample(
        &self,
        schedule: &Schedule,
        x0: &Tensor<f64>,
        t: &[usize],
        noise: &Tensor<f64>,
    ) -> Result<Tensor<f64>> {
        schedule.q_sample(x0, t, noise)
    }

    /// [`Schedule::q_posterior`].
    ///
    /// # Errors
    /// Its own.
    fn q_posterior(
        &self,
        schedule: &Schedule,
        x0: &Tensor<f64>,
        x_t: &Tensor<f64>,
        t: &[usize],
    ) -> Result<Gaussian<f64>> {
        schedule.q_posterior(x0, x_t, t)
    }

    /// [`Schedule::p_mean_variance`], without clipping.
    ///
    /// # Errors
    /// Its own.
    fn p_mean_variance(
        &self,
        schedule: &Schedule,
        prediction: &Prediction<f64>,
        x_t: &Tensor<f64>,
        t: &[usize],
        variance: VarianceKind,
    ) -> Result<Gaussian<f64>> {
        schedule.p_mean_variance(prediction, x_t, t, variance, Clip::Off)
    }

    /// [`Prediction::convert`] at indices of a schedule.
    ///
    /// # Errors
    /// Its own.
    fn convert(
        &self,
        schedule: &Schedule,
        prediction: &Prediction<f64>,
        to: PredictionKind,
        x_t: &Tensor<f64>,
        t: &[usize],
    ) -> Result<Tensor<f64>> {
        prediction.convert(to, x_t, &schedule.timesteps_at(t)?)
    }

    /// [`Transition::variance`]: σ² of a reverse step.
    fn variance(&self, step: &Transition, kind: VarianceKind) -> f64 {
        step.variance(kind)
    }

    /// [`Transition::lambda`]: the weight of ‖ε − ε_θ‖² in the bound.
    fn lambda(&self, step: &Transition, variance: f64) -> f64 {
        step.lambda(variance)
    }

    /// [`Transition::kl_constant`]: what a fixed variance costs.
    fn kl_constant(&self, step: &Transition, variance: f64) -> f64 {
        step.kl_constant(variance)
    }
}

/// The program as it is.
#[derive(Debug, Clone, Copy, Default)]
pub struct Program;

impl Subject for Program {}
