//! Every closed form beside what the program computes.
//!
//! A [`Row`] sets a number of the program's own working code beside the same number from a formula, a quadrature or a
//! recursion that shares no code with it. [`verify`] makes the table for a schedule. What is verified comes in through
//! [`Subject`], so that a fault can be planted in any of it and the table be seen to fail: a table that cannot fail
//! proves nothing.

mod bound;
mod chain;
mod frequencies;
mod predictions;
mod reference;
mod samplers;

use crate::{
    Clip, Condition, Denoiser, Error, Gaussian, Prediction, PredictionKind, Result, Sampler, Schedule,
    ScheduleConfig, ScheduleKind, Transition, VarianceKind,
};
use reference::Reference;
use serde::Serialize;
use tweedie_tensor::Tensor;

/// A number from the program beside the same number by other means.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Row {
    /// What it is.
    pub name: String,
    /// By other means.
    pub expected: f64,
    /// From the program.
    pub actual: f64,
    /// How far they may be apart.
    pub tolerance: f64,
    /// Whether they are no further apart than that.
    pub pass: bool,
}

impl Row {
    /// The row whose numbers may differ by `tolerance`.
    pub fn new(name: impl Into<String>, expected: f64, actual: f64, tolerance: f64) -> Row {
        let pass = (actual - expected).abs() <= tolerance;
        Row { name: name.into(), expected, actual, tolerance, pass }
    }

    /// The row whose numbers may differ by a share of what is expected.
    pub fn relative(name: impl Into<String>, expected: f64, actual: f64, share: f64) -> Row {
        Row::new(name, expected, actual, share * expected.abs())
    }

    /// The row of an identity: the largest deviation over many points, which should be 0.
    pub fn identity(
        name: impl Into<String>,
        deviations: impl IntoIterator<Item = f64>,
        tolerance: f64,
    ) -> Row {
        // `max` would let NaN pass.
        let largest = deviations.into_iter().fold(0.0, |largest: f64, deviation| {
            if deviation.abs() <= largest { largest } else { deviation.abs() }
        });
        Row::new(name, 0.0, largest, tolerance)
    }
}

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

/// The fewest steps of a schedule that has every row.
pub const MIN_TIMESTEPS: usize = 10;

/// The table for a family of schedules at T steps, a few seconds of work at T = 1000.
///
/// # Errors
/// [`Error::Parameter`] when T is below [`MIN_TIMESTEPS`] or the family has no formula; [`Error::Beta`] when the
/// family has no schedule of so few steps; what a faulty subject refuses.
pub fn verify(subject: &dyn Subject, kind: ScheduleKind, timesteps: usize) -> Result<Vec<Row>> {
    if timesteps < MIN_TIMESTEPS {
        let why = format!("must be {MIN_TIMESTEPS} or more, for every row to be there");
        return Err(Error::parameter("verify", "timesteps", timesteps, why));
    }
    if kind == ScheduleKind::Betas {
        let why = "betas have no formula to be held against";
        return Err(Error::parameter("verify", "schedule", kind.name(), why));
    }
    let schedule = subject.schedule(&ScheduleConfig { kind, timesteps, ..ScheduleConfig::default() })?;
    let case = Case { subject, kind, schedule, reference: Reference::new(kind, timesteps), timesteps };
    let parts = [chain::rows, predictions::rows, bound::rows, samplers::rows, frequencies::rows];
    parts.into_iter().try_fold(Vec::new(), |mut table, rows| {
        table.extend(rows(&case)?);
        Ok(table)
    })
}

/// What the rows are made from.
struct Case<'a> {
    subject: &'a dyn Subject,
    kind: ScheduleKind,
    /// The program's schedule.
    schedule: Schedule,
    /// The same, by other means.
    reference: Reference,
    /// T.
    timesteps: usize,
}

impl Case<'_> {
    /// The paper's t at a tenth, half and all of the way, as long as there is signal.
    fn times(&self) -> [usize; 3] {
        [self.timesteps / 10, self.timesteps / 2, self.reference.last_with_signal()]
    }

    /// What `denoiser` makes of one number `x` by `sampler`.
    fn paint(&self, sampler: &impl Sampler<f64>, denoiser: &dyn Denoiser<f64>, x: f64) -> Result<f64> {
        let condition = Condition::default();
        let mut x = Tensor::full([1, 1], x);
        for state in sampler.run(denoiser, x.clone(), &condition, 0) {
            x = state?.x;
        }
        Ok(x.as_slice()[0])
    }
}
