use super::conditioned::Conditioned;
use super::falling::check_falling;
use super::history::History;
use super::run::{Sampler, State};
use crate::{Clip, Result, Step, Times, Timestep};
use tweedie_tensor::{Element, Tensor, ops};

/// Ancestral sampling in σ = noise / signal (Crowson 2022, k-diffusion, `sample_euler_ancestral`): a step of Euler's method
/// goes down to σ_down = σ'²/σ, below the σ' that the step is to reach, and noise of σ_up² = σ'² − σ_down² makes up for it.
///
/// σ_up² is the variance of the posterior q(x_s | x_t, x_0) in the scale x / signal, so the step draws what
/// [`Ddim`](crate::Ddim) with η = 1 draws, over any times.
#[derive(Debug, Clone)]
pub struct EulerAncestral {
    times: Times,
    clip: Clip,
    start_deviation: f64,
    without_signal: bool,
}

impl EulerAncestral {
    /// A sampler over `times`, without clipping.
    ///
    /// # Errors
    /// [`Error::Parameter`](crate::Error::Parameter) when noise / signal rises in a step.
    pub fn new(times: &Times) -> Result<EulerAncestral> {
        check_falling("Euler ancestral", times)?;
        Ok(EulerAncestral {
            times: times.clone(),
            clip: Clip::Off,
            start_deviation: 1.0,
            without_signal: false,
        })
    }

    /// The same sampler, with x̂_0 clipped, and ε̂ what then explains x.
    pub fn clip(self, clip: Clip) -> EulerAncestral {
        EulerAncestral { clip, ..self }
    }

    /// As [`Euler::in_sigmas`](crate::Euler::in_sigmas).
    pub fn in_sigmas(self, start_deviation: f64) -> EulerAncestral {
        EulerAncestral { start_deviation, without_signal: true, ..self }
    }
}

impl<T: Element> Sampler<T> for EulerAncestral {
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
        let Step { from: t, to, .. } = self.times.steps()[step];
        let (x0_hat, epsilon) = model.x0_and_epsilon(x, t, self.clip)?;
        let level = to.level();
        let (down, up) = split(t.level().sigma(), level.sigma());
        let (down, up) = (level.noise * down, level.noise * up);
        let next = if up == 0.0 {
            ops::combine(&[(&[level.signal], &x0_hat), (&[down], &epsilon)])?
        } else {
            let z = model.noise(step, x);
            ops::combine(&[(&[level.signal], &x0_hat), (&[down], &epsilon), (&[up], &z)])?
        };
        Ok(State { step, t, x: next, level, x0_hat, evaluations: 1 })
    }
}

/// σ_down and σ_up of an ancestral step from σ = `from` to σ' = `to`, as shares of σ'.
pub(super) fn split(from: f64, to: f64) -> (f64, f64) {
    let share = if from == to { 1.0 } else { to / from };
    (share, ((1.0 - share) * (1.0 + share)).max(0.0).sqrt())
}
