use super::churn::Churn;
use super::conditioned::Conditioned;
use super::euler::Euler;
use super::history::History;
use super::run::{Sampler, State};
use crate::{Clip, Result, Times, Timestep};
use tweedie_tensor::{Element, Tensor, ops};

/// Heun's method for the probability-flow ODE of x / signal in σ = noise / signal (Karras et al. 2022, algorithms 1 and
/// 2): an Euler step, then ε̂ at its end, and the step again with the mean of the two. Of second order; the model is asked
/// twice a step.
///
/// A step to the clean picture stays Euler's, as there, since there is no ε̂ at its end; so does one from pure noise,
/// which is infinitely long in σ.
#[derive(Debug, Clone)]
pub struct Heun {
    euler: Euler,
}

impl Heun {
    /// A sampler over `times`, without churn and without clipping.
    pub fn new(times: &Times) -> Heun {
        Heun { euler: Euler::new(times) }
    }

    /// The same sampler, with churn, as [`Euler::churn`].
    ///
    /// # Errors
    /// [`Error::Parameter`](crate::Error::Parameter) when an amount is negative or not finite.
    pub fn churn(self, churn: Churn) -> Result<Heun> {
        Ok(Heun { euler: self.euler.churn(churn)? })
    }

    /// The same sampler, with x̂_0 clipped, and ε̂ what then explains x.
    pub fn clip(self, clip: Clip) -> Heun {
        Heun { euler: self.euler.clip(clip) }
    }

    /// The same sampler, its runs starting from noise of this standard deviation.
    pub fn in_sigmas(self, start_deviation: f64) -> Heun {
        Heun { euler: self.euler.in_sigmas(start_deviation) }
    }
}

impl<T: Element> Sampler<T> for Heun {
    fn steps(&self) -> usize {
        self.euler.times().steps().len()
    }

    fn time(&self, step: usize) -> Timestep {
        self.euler.times().steps()[step].from
    }

    fn start_deviation(&self) -> f64 {
        Sampler::<T>::start_deviation(&self.euler)
    }

    fn ends_without_signal(&self) -> bool {
        Sampler::<T>::ends_without_signal(&self.euler)
    }

    fn step(
        &self,
        step: usize,
        x: &Tensor<T>,
        model: &Conditioned<'_, T>,
        _: &mut History<T>,
    ) -> Result<State<T>> {
        let (state, from) = self.euler.start(step, x, model)?;
        let to = self.euler.times().steps()[step].to;
        let (before, after) = (from.sigma(), to.level().sigma());
        if after == 0.0 || before.is_infinite() {
            return Ok(state);
        }
        let at_end = self.euler.x0(&state.x, to, model)?;
        // Half a step in σ by the change of ε̂, which is −signal / noise times that of x̂_0: the end of the step is made
        // of x̂_0 and ε̂. As a difference of two ε̂ it would be lost in rounding where σ is large.
        let weight = 0.5 * to.level().signal * (before / after - 1.0);
        let x = ops::combine(&[(&[1.0], &state.x), (&[weight], &at_end), (&[-weight], &state.x0_hat)])?;
        Ok(State { x, evaluations: 2, ..state })
    }
}
