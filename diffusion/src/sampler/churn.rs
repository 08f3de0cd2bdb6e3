use super::conditioned::Conditioned;
use crate::{Error, Result, Step, Times, Timestep, Transition};
use std::f64::consts::SQRT_2;
use tweedie_tensor::{Element, Tensor, ops};

/// Noise that a deterministic solver adds before each step, to forget its errors (Karras et al. 2022, algorithm 2).
///
/// σ = noise / signal rises to (1 + γ) σ, γ = min(S_churn / steps, √2 − 1), which is the forward step to that level.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Churn {
    /// S_churn, the sum of γ over the steps; 0 adds nothing.
    pub amount: f64,
    /// S_tmin: below this σ nothing is added.
    pub sigma_min: f64,
    /// S_tmax: above this σ nothing is added.
    pub sigma_max: f64,
    /// S_noise, the standard deviation of the noise, whose true value is 1.
    pub noise: f64,
}

impl Churn {
    /// As much noise as `amount` says, at every σ and of standard deviation 1.
    pub fn new(amount: f64) -> Churn {
        Churn { amount, sigma_min: 0.0, sigma_max: f64::INFINITY, noise: 1.0 }
    }

    /// What is done before each step: the noisier time, and the forward step that leads there.
    pub(super) fn lifts(self, times: &Times) -> Result<Vec<Option<Lift>>> {
        const WHAT: &str = "churn";
        for (name, value) in [("amount", self.amount), ("noise", self.noise)] {
            if !(value >= 0.0 && value.is_finite()) {
                return Err(Error::parameter(WHAT, name, value, "must be 0 or above"));
            }
        }
        let gamma = (self.amount / times.steps().len() as f64).min(SQRT_2 - 1.0);
        let lift = |step: &Step| {
            let sigma = step.from.level().sigma();
            // More noise than infinite there is not.
            let within = (self.sigma_min..=self.sigma_max).contains(&sigma) && sigma.is_finite();
            (gamma > 0.0 && within).then(|| {
                let to = times.at_sigma(sigma * (1.0 + gamma));
                let transition = Transition::between(to.level(), step.from.level());
                Lift { to, signal: transition.alpha.sqrt(), noise: self.noise * transition.beta.sqrt() }
            })
        };
        Ok(times.steps().iter().map(lift).collect())
    }
}

/// A forward step, to a noisier time.
#[derive(Debug, Clone, Copy)]
pub(super) struct Lift {
    to: Timestep,
    signal: f64,
    noise: f64,
}

impl Lift {
    /// The sample and the time from which step number `step` starts.
    pub(super) fn apply<T: Element>(
        self,
        step: usize,
        x: &Tensor<T>,
        model: &Conditioned<'_, T>,
    ) -> Result<(Tensor<T>, Timestep)> {
        let z = model.noise(step, x);
        Ok((ops::combine(&[(&[self.signal], x), (&[self.noise], &z)])?, self.to))
    }
}
