use crate::Result;
use tweedie_diffusion::{Condition, Conditioned, Denoiser, History, NoiseSource, Sampler, State};
use tweedie_tensor::{Tensor, ops};

/// A run of a sampler with a trained model: an iterator over the states that its steps lead to. It owns all it needs but
/// the model, so callers loop over it, show [how much is done](Painting::share), and stop by leaving the loop. It ends
/// after the last step, or after an error; then [`Painting::finish`] returns the pictures.
///
/// ```no_run
/// # fn example(model: &tweedie_train::Model, request: &tweedie_train::SampleRequest) -> tweedie_train::Result<()> {
/// let mut painting = model.sample(request)?;
/// while let Some(state) = painting.next() {
///     println!("{:.0}%, at t = {}", 100.0 * painting.share(), state?.t.clock());
/// }
/// let pictures = painting.finish()?;
/// # Ok(())
/// # }
/// ```
pub struct Painting<'m> {
    run: Run<'m>,
    x: Tensor<f32>,
    history: History<f32>,
    /// The number of the next step, and of the first.
    step: usize,
    first: usize,
    /// What the samples are to be divided by at the end.
    signal: f64,
    failed: bool,
}

/// What stays the same from step to step.
pub(super) struct Run<'m> {
    pub(super) denoiser: Box<dyn Denoiser<f32> + Send + 'm>,
    pub(super) sampler: Box<dyn Sampler<f32> + Send>,
    pub(super) condition: Condition,
    pub(super) noise: NoiseSource,
    /// Whether to divide what it ends with by the signal in it, for samplers that end without.
    pub(super) restores_signal: bool,
}

impl<'m> Painting<'m> {
    /// The run from the samples `x`, which are at the time of step number `first`.
    pub(super) fn new(run: Run<'m>, x: Tensor<f32>, first: usize) -> Painting<'m> {
        Painting { run, x, history: History::default(), step: first, first, signal: 1.0, failed: false }
    }

    /// How many steps it takes.
    pub fn steps(&self) -> usize {
        self.run.sampler.steps() - self.first
    }

    /// How many of them it has taken.
    pub fn steps_taken(&self) -> usize {
        self.step - self.first
    }

    /// The share of them that it has taken, from 0 to 1.
    pub fn share(&self) -> f64 {
        if self.steps() == 0 { 1.0 } else { self.steps_taken() as f64 / self.steps() as f64 }
    }

    /// Takes the steps that are left, and returns the pictures \[n, c, h, w\].
    ///
    /// # Errors
    /// What a step refuses: an output that is not finite.
    pub fn finish(mut self) -> Result<Tensor<f32>> {
        while self.step < self.run.sampler.steps() {
            self.take_step()?;
        }
        match self.signal {
            1.0 => Ok(self.x),
            signal => Ok(ops::combine(&[(&[1.0 / signal], &self.x)])?),
        }
    }

    fn take_step(&mut self) -> Result<State<f32>> {
        let Run { denoiser, sampler, condition, noise, restores_signal } = &self.run;
        let model = Conditioned::new(&**denoiser, condition, *noise);
        let state = sampler.step(self.step, &self.x, &model, &mut self.history)?;
        self.x = state.x.clone();
        self.step += 1;
        if *restores_signal && sampler.ends_without_signal() {
            self.signal = state.level.signal;
        }
        Ok(state)
    }
}

impl Iterator for Painting<'_> {
    type Item = Result<State<f32>>;

    fn next(&mut self) -> Option<Result<State<f32>>> {
        if self.failed || self.step >= self.run.sampler.steps() {
            return None;
        }
        let state = self.take_step();
        self.failed = state.is_err();
        Some(state)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.run.sampler.steps().saturating_sub(self.step);
        (left.min(1), Some(left))
    }
}
