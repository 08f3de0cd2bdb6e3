use super::{History, Hop, Model, Plan, Sampler, State};
use crate::transition::between_in_log;
use crate::{Clip, Error, Grid, Result, Schedule, Timestep, VarianceKind};
use tweedie_tensor::{Element, Tensor, ops};

/// Ancestral sampling (Ho et al. 2020, algorithm 2): each step draws from p_θ(x_s | x_t), the posterior
/// q(x_s | x_t, x_0) with the model's x̂_0 in the place of x_0. On a grid of fewer times, from the posterior of the
/// diffusion over those times (Nichol and Dhariwal 2021, eq. 19).
///
/// A model that predicts the variance is taken at its word, unless another [`VarianceSay`] is set. The step that ends at the
/// clean picture adds no noise, with any variance, unless [`Ddpm::noise_above_first_index`] is set.
#[derive(Debug, Clone)]
pub struct Ddpm {
    plan: Plan,
    variance: VarianceKind,
    say: VarianceSay,
    noise_above_first_index: bool,
    clip: Clip,
}

/// What a model's own say on the variance ([`Prediction::range`](crate::Prediction::range)) is to a sampler.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VarianceSay {
    /// A place between the fixed variances, where the model has one; otherwise the fixed variance holds.
    RangeIfAny,
    /// A place between the fixed variances, which the model must have.
    Range,
    /// The variance itself, which the model must have.
    Variance,
    /// Nothing: the fixed variance holds.
    Ignored,
}

impl Ddpm {
    /// A sampler over the times of `grid`, without clipping.
    ///
    /// # Errors
    /// [`Error::Time`](crate::Error::Time) when the grid does not fit the schedule.
    pub fn new(schedule: &Schedule, grid: &Grid, variance: VarianceKind) -> Result<Ddpm> {
        Ok(Ddpm::over(Plan::new(schedule, grid)?, variance))
    }

    /// A sampler over the times of `plan`, without clipping.
    pub fn over(plan: Plan, variance: VarianceKind) -> Ddpm {
        Ddpm { plan, variance, say: VarianceSay::RangeIfAny, noise_above_first_index: false, clip: Clip::Off }
    }

    /// The same sampler, with x̂_0 clipped.
    pub fn clip(self, clip: Clip) -> Ddpm {
        Ddpm { clip, ..self }
    }

    /// The same sampler, with another use for what the model says of the variance.
    pub fn say(self, say: VarianceSay) -> Ddpm {
        Ddpm { say, ..self }
    }

    /// Whether noise is left out at index 0 alone, as diffusers has it: a last step from above it adds noise to the
    /// clean picture, of variance β or what the model says; β̃, which is 0 there, counts as 1e-20 beside the latter.
    pub fn noise_above_first_index(self, noise_above_first_index: bool) -> Ddpm {
        Ddpm { noise_above_first_index, ..self }
    }

    /// The standard deviations that the model says for a step from `t`, one a place; `None` where the fixed one holds.
    fn said<T: Element>(&self, range: Option<&Tensor<T>>, hop: &Hop) -> Result<Option<Tensor<T>>> {
        let transition = hop.transition;
        let refuse = |value: String, why: &str| Err(Error::parameter(WHAT, "variance", value, why));
        let variance = |range: f64| match self.say {
            VarianceSay::Variance => range,
            _ if self.noise_above_first_index => {
                between_in_log(transition.beta, transition.posterior_variance().max(1e-20), range)
            }
            _ => transition.learned_variance(range),
        };
        match (self.say, range) {
            (VarianceSay::Ignored, _) | (VarianceSay::RangeIfAny, None) => Ok(None),
            (_, None) => refuse(
                "learned".into(),
                "the model says none; it has as many output channels as its pictures",
            ),
            (_, Some(range)) => {
                let mut deviations = range.clone();
                for place in deviations.as_mut_slice() {
                    let variance = variance(place.to_f64());
                    if !(variance >= 0.0 && variance.is_finite()) {
                        return refuse(variance.to_string(), "the model says what is no variance");
                    }
                    *place = T::from_f64(variance.sqrt());
                }
                Ok(Some(deviations))
            }
        }
    }
}

const WHAT: &str = "DDPM";

impl<T: Element> Sampler<T> for Ddpm {
    fn steps(&self) -> usize {
        self.plan.hops().len()
    }

    fn time(&self, step: usize) -> Timestep {
        self.plan.hops()[step].from
    }

    fn step(&self, step: usize, x: &Tensor<T>, model: &Model<'_, T>, _: &mut History<T>) -> Result<State<T>> {
        let hop = self.plan.hops()[step];
        let Hop { from: t, transition, .. } = hop;
        let (prediction, times) = model.predict(x, t)?;
        let x0_hat = self.clip.apply(prediction.x0(x, &times)?);
        let (of_x0, of_x) = transition.posterior_mean_coefficients();
        let quiet = if self.noise_above_first_index { t.clock() <= 0.0 } else { transition.to.noise == 0.0 };
        let next = if quiet {
            ops::combine(&[(&[of_x0], &x0_hat), (&[of_x], x)])?
        } else {
            let mut z = model.noise(step, x);
            let mut sigma = transition.variance(self.variance).sqrt();
            if let Some(deviations) = self.said(prediction.range.as_ref(), &hop)? {
                sigma = 1.0;
                for (z, deviation) in z.as_mut_slice().iter_mut().zip(deviations.as_slice()) {
                    *z *= *deviation;
                }
            }
            ops::combine(&[(&[of_x0], &x0_hat), (&[of_x], x), (&[sigma], &z)])?
        };
        Ok(State { step, t, x: next, level: transition.to, x0_hat, evaluations: 1 })
    }
}
