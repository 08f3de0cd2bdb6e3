use super::churn::{Churn, Lift};
use super::conditioned::Conditioned;
use super::history::History;
use super::run::{Sampler, State};
use crate::{Clip, Level, Result, Step, Times, Timestep};
use tweedie_tensor::{Element, Tensor, ops};

/// Euler's method for the probability-flow ODE dx/dσ = ε̂ of x / signal in σ = noise / signal (Karras et al. 2022, eq. 4
/// and algorithm 2 without its correction), in the path's own scale: x_s = signal_s x̂_0 + noise_s ε̂. Without churn, it
/// is DDIM with η = 0. Of first order.
#[derive(Debug, Clone)]
pub struct Euler {
    times: Times,
    lifts: Vec<Option<Lift>>,
    clip: Clip,
    start_deviation: f64,
    without_signal: bool,
}

impl Euler {
    /// A sampler over `times`, without churn and without clipping.
    pub fn new(times: &Times) -> Euler {
        Euler {
            lifts: vec![None; times.steps().len()],
            times: times.clone(),
            clip: Clip::Off,
            start_deviation: 1.0,
            without_signal: false,
        }
    }

    /// The same sampler, with churn, whose noisier times are those of the path ([`Times::at_sigma`]).
    ///
    /// # Errors
    /// [`Error::Parameter`](crate::Error::Parameter) when an amount is negative or not finite.
    pub fn churn(self, churn: Churn) -> Result<Euler> {
        Ok(Euler { lifts: churn.lifts(&self.times)?, ..self })
    }

    /// The same sampler, with x̂_0 clipped, and ε̂ what then explains x.
    pub fn clip(self, clip: Clip) -> Euler {
        Euler { clip, ..self }
    }

    /// The same sampler, its runs starting from noise of this standard deviation, and ending without the factor √ᾱ of the
    /// picture in what is left, as diffusers' samplers in σ do.
    pub fn in_sigmas(self, start_deviation: f64) -> Euler {
        Euler { start_deviation, without_signal: true, ..self }
    }

    /// The step, and the level from which it started.
    pub(super) fn start<T: Element>(
        &self,
        step: usize,
        x: &Tensor<T>,
        model: &Conditioned<'_, T>,
    ) -> Result<(State<T>, Level)> {
        let Step { from, to, .. } = self.times.steps()[step];
        let (x, from) = match self.lifts[step] {
            Some(lift) => lift.apply(step, x, model)?,
            None => (x.clone(), from),
        };
        let (x0_hat, epsilon) = model.x0_and_epsilon(&x, from, self.clip)?;
        let level = to.level();
        let x = ops::combine(&[(&[level.signal], &x0_hat), (&[level.noise], &epsilon)])?;
        Ok((State { step, t: from, x, level, x0_hat, evaluations: 1 }, from.level()))
    }

    pub(super) fn times(&self) -> &Times {
        &self.times
    }

    /// x̂_0 at a later time.
    pub(super) fn x0<T: Element>(
        &self,
        x: &Tensor<T>,
        t: Timestep,
        model: &Conditioned<'_, T>,
    ) -> Result<Tensor<T>> {
        model.x0(x, t, self.clip)
    }
}

impl<T: Element> Sampler<T> for Euler {
    fn steps(&self) -> usize {
        self.times.steps().len()
    }

    fn time(&self, step: usize) -> Timestep {
        self.times.steps()[step].from
    }

    fn start_deviation(&self) -> f64 {
        self.start_deviation
    }

    fn ends_without_signal(&self) -> bool {
        self.without_signal
    }

    fn step(
        &self,
        step: usize,
        x: &Tensor<T>,
        model: &Conditioned<'_, T>,
        _: &mut History<T>,
    ) -> Result<State<T>> {
        Ok(self.start(step, x, model)?.0)
    }
}
