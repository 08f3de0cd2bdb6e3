//! Samplers: from noise to a picture, one denoising step after the other.

mod ddim;
mod ddpm;

pub use ddim::Ddim;
pub use ddpm::Ddpm;

use crate::{
    Condition, Denoiser, Grid, Level, Prediction, Result, Schedule, Timestep, Transition, predict_finite,
};
use tweedie_tensor::random::{self, Purpose};
use tweedie_tensor::{Element, Tensor};

/// A sampler: a list of times, and what is done at each. It is made once and can run any number of times.
///
/// ```
/// # use tweedie_diffusion::*;
/// # use tweedie_tensor::Tensor;
/// # let schedule = Schedule::cosine(100)?;
/// # let denoiser = GaussianDenoiser::new(Tensor::full([4], 0.0f32), 1.0)?;
/// # let x_t = Tensor::full([2, 4], 0.5f32);
/// let sampler = Ddpm::new(&schedule, &Grid::new(100, 20, Spacing::Trailing, 0)?, VarianceKind::FixedSmall)?;
/// for state in sampler.run(&denoiser, x_t, &Condition::default(), 0) {
///     let State { step, t, x, x0_hat, .. } = state?;
///     println!("step {step}, at t = {}: now {x:?}, to become {x0_hat:?}", t.clock());
/// }
/// # Ok::<(), Error>(())
/// ```
pub trait Sampler<T: Element> {
    /// How many steps it takes.
    fn steps(&self) -> usize;

    /// Takes step number `step` (from 0): asks the model at the sample `x`, and moves it to a less noisy level.
    ///
    /// # Errors
    /// What [`predict_finite`] and the conversion of its answer refuse.
    fn step(&self, step: usize, x: &Tensor<T>, model: &Model<'_, T>) -> Result<State<T>>;

    /// The run from the noise `x` (whose leading axis counts samples) to pictures: an iterator over the states that
    /// each step leads to. `noise` keys what a stochastic sampler adds, with a seed or a [`NoiseSource`].
    fn run<'a>(
        &'a self,
        denoiser: &'a dyn Denoiser<T>,
        x: Tensor<T>,
        condition: &'a Condition,
        noise: impl Into<NoiseSource>,
    ) -> Trajectory<'a, T, Self>
    where
        Self: Sized,
    {
        let model = Model { denoiser, condition, noise: noise.into() };
        Trajectory { sampler: self, model, x, step: 0 }
    }
}

impl<T: Element, S: Sampler<T> + ?Sized> Sampler<T> for Box<S> {
    fn steps(&self) -> usize {
        (**self).steps()
    }
    fn step(&self, step: usize, x: &Tensor<T>, model: &Model<'_, T>) -> Result<State<T>> {
        (**self).step(step, x, model)
    }
}

/// Where a run is after a step.
#[derive(Debug, Clone)]
pub struct State<T: Element> {
    /// The number of the step that led here, from 0.
    pub step: usize,
    /// The time that the step left, at which the model was asked.
    pub t: Timestep,
    /// The sample.
    pub x: Tensor<T>,
    /// How much signal and noise the sample holds.
    pub level: Level,
    /// The clean picture that the model saw in the sample before the step.
    pub x0_hat: Tensor<T>,
}

/// What keys the noise of a stochastic sampler: sample i of a run gets the stream of sample `first_sample` + i, so
/// that pictures do not depend on how many are painted at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoiseSource {
    /// The seed.
    pub seed: u64,
    /// The number of the first sample.
    pub first_sample: u64,
}

impl From<u64> for NoiseSource {
    /// The seed, with samples counted from 0.
    fn from(seed: u64) -> NoiseSource {
        NoiseSource { seed, first_sample: 0 }
    }
}

/// What a step may ask: the denoiser under the run's condition, and the run's noise.
pub struct Model<'a, T: Element> {
    denoiser: &'a dyn Denoiser<T>,
    condition: &'a Condition,
    noise: NoiseSource,
}

impl<T: Element> Model<'_, T> {
    /// The prediction at `x`, all samples of which are at time `t`; and that time for each sample.
    ///
    /// # Errors
    /// As [`predict_finite`].
    pub fn predict(&self, x: &Tensor<T>, t: Timestep) -> Result<(Prediction<T>, Vec<Timestep>)> {
        let times = vec![t; x.dims().first().copied().unwrap_or(1)];
        Ok((predict_finite(self.denoiser, x, &times, self.condition)?, times))
    }

    /// Standard normals of x's shape for step number `step`.
    pub fn noise(&self, step: usize, x: &Tensor<T>) -> Tensor<T> {
        let NoiseSource { seed, first_sample } = self.noise;
        random::normal(*x.shape(), seed, Purpose::Sampler, step as u64, first_sample)
    }
}

/// A run of a sampler: yields the state after each step, and ends after the last, or after an error.
pub struct Trajectory<'a, T: Element, S> {
    sampler: &'a S,
    model: Model<'a, T>,
    x: Tensor<T>,
    step: usize,
}

impl<T: Element, S: Sampler<T>> Iterator for Trajectory<'_, T, S> {
    type Item = Result<State<T>>;

    fn next(&mut self) -> Option<Result<State<T>>> {
        if self.step >= self.sampler.steps() {
            return None;
        }
        let state = self.sampler.step(self.step, &self.x, &self.model);
        match &state {
            Ok(state) => {
                self.x = state.x.clone();
                self.step += 1;
            }
            Err(_) => self.step = self.sampler.steps(),
        }
        Some(state)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.sampler.steps() - self.step;
        (left.min(1), Some(left))
    }
}

/// One reverse step as planned: the time at which the model is asked, and the transition that is undone.
#[derive(Debug, Clone, Copy)]
struct Hop {
    t: Timestep,
    transition: Transition,
}

impl Hop {
    fn plan(schedule: &Schedule, grid: &Grid) -> Result<Vec<Hop>> {
        let hop = |&(from, to): &(usize, Option<usize>)| {
            let transition = schedule.transition(from, to)?;
            Ok(Hop { t: schedule.timestep(from), transition })
        };
        grid.hops().iter().map(hop).collect()
    }
}
