use super::conditioned::{Conditioned, NoiseSource};
use super::history::History;
use crate::{Condition, Denoiser, Level, Result, Timestep};
use tweedie_tensor::{Element, Tensor};

/// A sampler: a list of times, and what is done at each. It is made once and can run any number of times.
///
/// ```
/// # use tweedie_diffusion::*;
/// # use tweedie_tensor::Tensor;
/// # let schedule = Schedule::cosine(100)?;
/// # let denoiser = GaussianDenoiser::new(Tensor::full([4], 0.0f32), 1.0)?;
/// # let x_t = Tensor::full([2, 4], 0.5f32);
/// let sampler = Ddpm::new(&Times::spaced(&schedule, 20, Spacing::Trailing)?, VarianceKind::FixedSmall);
/// for state in sampler.run(&denoiser, x_t, &Condition::default(), 0) {
///     let State { step, t, x, x0_hat, .. } = state?;
///     println!("step {step}, at t = {}: now {x:?}, to become {x0_hat:?}", t.clock());
/// }
/// # Ok::<(), Error>(())
/// ```
pub trait Sampler<T: Element> {
    /// How many steps it takes.
    fn steps(&self) -> usize;

    /// The time of the sample that step number `step` leaves.
    fn time(&self, step: usize) -> Timestep;

    /// The standard deviation of the noise that a run starts from, for a sampler whose first sample is not of variance 1.
    fn start_deviation(&self) -> f64 {
        1.0
    }

    /// Whether what a run ends with is to be divided by the signal that is left in it: diffusers' Euler and Heun work on
    /// x / √ᾱ = x_0 + σ ε, and hand that out where their last σ is not 0.
    fn ends_without_signal(&self) -> bool {
        false
    }

    /// Takes step number `step` (from 0): asks the model at the sample `x`, and moves it to a less noisy level.
    /// `history` is what the steps before it have left there.
    ///
    /// # Errors
    /// What [`predict_finite`](crate::predict_finite) and the conversion of its answer refuse.
    fn step(
        &self,
        step: usize,
        x: &Tensor<T>,
        model: &Conditioned<'_, T>,
        history: &mut History<T>,
    ) -> Result<State<T>>;

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
        self.run_with(Conditioned::new(denoiser, condition, noise), x)
    }

    /// The sample that such a run ends with: the `x` of its last state, or of a sampler without steps the noise itself.
    ///
    /// # Errors
    /// As [`Sampler::step`].
    fn last(
        &self,
        denoiser: &dyn Denoiser<T>,
        x: Tensor<T>,
        condition: &Condition,
        noise: impl Into<NoiseSource>,
    ) -> Result<Tensor<T>>
    where
        Self: Sized,
    {
        let mut x = x;
        for state in self.run(denoiser, x.clone(), condition, noise) {
            x = state?.x;
        }
        Ok(x)
    }

    /// As [`Sampler::run`], with a model that may have been given its noise.
    fn run_with<'a>(&'a self, model: Conditioned<'a, T>, x: Tensor<T>) -> Trajectory<'a, T, Self>
    where
        Self: Sized,
    {
        Trajectory { sampler: self, model, x, step: 0, history: History::default() }
    }
}

impl<T: Element, S: Sampler<T> + ?Sized> Sampler<T> for Box<S> {
    fn steps(&self) -> usize {
        (**self).steps()
    }
    fn time(&self, step: usize) -> Timestep {
        (**self).time(step)
    }
    fn start_deviation(&self) -> f64 {
        (**self).start_deviation()
    }
    fn ends_without_signal(&self) -> bool {
        (**self).ends_without_signal()
    }
    fn step(
        &self,
        step: usize,
        x: &Tensor<T>,
        model: &Conditioned<'_, T>,
        history: &mut History<T>,
    ) -> Result<State<T>> {
        (**self).step(step, x, model, history)
    }
}

/// Where a run is after a step.
#[derive(Debug, Clone)]
pub struct State<T: Element> {
    /// The number of the step that led here, from 0.
    pub step: usize,
    /// The time that the step left, at which the model was asked first.
    pub t: Timestep,
    /// The sample.
    pub x: Tensor<T>,
    /// How much signal and noise the sample holds.
    pub level: Level,
    /// The clean picture that the model saw in the sample before the step.
    pub x0_hat: Tensor<T>,
    /// How many times the model was asked in this step.
    pub evaluations: usize,
}

/// A run of a sampler: yields the state after each step, and ends after the last, or after an error.
pub struct Trajectory<'a, T: Element, S> {
    sampler: &'a S,
    model: Conditioned<'a, T>,
    x: Tensor<T>,
    step: usize,
    history: History<T>,
}

impl<T: Element, S: Sampler<T>> Trajectory<'_, T, S> {
    /// The same run, its first step being number `step`: the sample is one of that step's time.
    pub fn starting_at(self, step: usize) -> Self {
        Trajectory { step, ..self }
    }
}

impl<T: Element, S: Sampler<T>> Iterator for Trajectory<'_, T, S> {
    type Item = Result<State<T>>;

    fn next(&mut self) -> Option<Result<State<T>>> {
        if self.step >= self.sampler.steps() {
            return None;
        }
        let state = self.sampler.step(self.step, &self.x, &self.model, &mut self.history);
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
        let left = self.sampler.steps().saturating_sub(self.step);
        (left.min(1), Some(left))
    }
}
