use super::churn::Lift;
use super::{Churn, History, Hop, Model, Plan, Sampler, State};
use crate::{Clip, Level, Result, Timestep};
use tweedie_tensor::{Element, Tensor, ops};

/// Euler's method for the probability-flow ODE dx/dσ = ε̂ of x / signal in σ = noise / signal (Karras et al. 2022, eq. 4
/// and algorithm 2 without its correction), in the path's own scale: x_s = signal_s x̂_0 + noise_s ε̂. Without churn, it
/// is DDIM with η = 0. Of first order.
#[derive(Debug, Clone)]
pub struct Euler {
    plan: Plan,
    lifts: Vec<Option<Lift>>,
    clip: Clip,
    start_deviation: f64,
    without_signal: bool,
}

impl Euler {
    /// A sampler over the times of `plan`, without churn and without clipping.
    pub fn new(plan: Plan) -> Euler {
        Euler {
            lifts: vec![None; plan.hops().len()],
            plan,
            clip: Clip::Off,
            start_deviation: 1.0,
            without_signal: false,
        }
    }

    /// The same sampler, with churn; `at` makes a time of a σ, as [`Schedule::at_sigma`](crate::Schedule::at_sigma) and
    /// [`Timestep::edm`] do.
    ///
    /// # Errors
    /// [`Error::Parameter`](crate::Error::Parameter) when an amount is negative or not finite.
    pub fn churn(self, churn: Churn, at: impl Fn(f64) -> Timestep) -> Result<Euler> {
        Ok(Euler { lifts: churn.lifts(&self.plan, at)?, ..self })
    }

    /// The same sampler, with x̂_0 clipped, and ε̂ what then explains x.
    pub fn clip(self, clip: Clip) -> Euler {
        Euler { clip, ..self }
    }

    /// The same sampler, its runs starting from noise of this standard deviation, and ending without the factor √ᾱ of the
    /// picture in what is left, as those of diffusers do.
    pub fn in_sigmas(self, start_deviation: f64) -> Euler {
        Euler { start_deviation, without_signal: true, ..self }
    }

    /// The step, and the level from which it started.
    pub(super) fn start<T: Element>(
        &self,
        step: usize,
        x: &Tensor<T>,
        model: &Model<'_, T>,
    ) -> Result<(State<T>, Level)> {
        let Hop { from, to, .. } = self.plan.hops()[step];
        let (x, from) = match self.lifts[step] {
            Some(lift) => lift.apply(step, x, model)?,
            None => (x.clone(), from),
        };
        let (x0_hat, epsilon) = model.x0_and_epsilon(&x, from, self.clip)?;
        let level = to.level();
        let x = ops::combine(&[(&[level.signal], &x0_hat), (&[level.noise], &epsilon)])?;
        Ok((State { step, t: from, x, level, x0_hat, evaluations: 1 }, from.level()))
    }

    pub(super) fn plan(&self) -> &Plan {
        &self.plan
    }

    /// x̂_0 at a later time.
    pub(super) fn x0<T: Element>(
        &self,
        x: &Tensor<T>,
        t: Timestep,
        model: &Model<'_, T>,
    ) -> Result<Tensor<T>> {
        model.x0(x, t, self.clip)
    }
}

impl<T: Element> Sampler<T> for Euler {
    fn steps(&self) -> usize {
        self.plan.hops().len()
    }

    fn time(&self, step: usize) -> Timestep {
        self.plan.hops()[step].from
    }

    fn start_deviation(&self) -> f64 {
        self.start_deviation
    }

    fn ends_without_signal(&self) -> bool {
        self.without_signal
    }

    fn step(&self, step: usize, x: &Tensor<T>, model: &Model<'_, T>, _: &mut History<T>) -> Result<State<T>> {
        Ok(self.start(step, x, model)?.0)
    }
}
