use super::conditioned::Conditioned;
use super::history::History;
use super::run::{Sampler, State};
use crate::time::transition::between_in_log;
use crate::{Clip, Error, Result, Step, Times, Timestep, VarianceKind};
use tweedie_tensor::{Element, Tensor, ops};

/// Ancestral sampling (Ho et al. 2020, algorithm 2): each step draws from p_θ(x_s | x_t), the posterior
/// q(x_s | x_t, x_0) with the model's x̂_0 in the place of x_0. Over fewer times, from the posterior of the
/// diffusion over those times (Nichol and Dhariwal 2021, eq. 19).
///
/// A variance that the model predicts is used, unless another [`LearnedVariance`] is set. The step that ends at the
/// clean picture adds no noise, with any variance, unless [`Ddpm::noise_above_first_index`] is set.
#[derive(Debug, Clone)]
pub struct Ddpm {
    times: Times,
    variance: VarianceKind,
    learned: LearnedVariance,
    noise_above_first_index: bool,
    clip: Clip,
}

/// How a sampler reads the variance that a model predicts ([`Prediction::range`](crate::Prediction::range)).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LearnedVariance {
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
    /// A sampler over `times`, without clipping.
    pub fn new(times: &Times, variance: VarianceKind) -> Ddpm {
        Ddpm {
            times: times.clone(),
            variance,
            learned: LearnedVariance::RangeIfAny,
            noise_above_first_index: false,
            clip: Clip::Off,
        }
    }

    /// The same sampler, with x̂_0 clipped.
    pub fn clip(self, clip: Clip) -> Ddpm {
        Ddpm { clip, ..self }
    }

    /// The same sampler, with another use of the variance that the model predicts.
    pub fn learned_variance(self, learned: LearnedVariance) -> Ddpm {
        Ddpm { learned, ..self }
    }

    /// Whether noise is left out at index 0 alone, as diffusers has it: a last step from above it adds noise to the
    /// clean picture, of variance β or the model's own; β̃, which is 0 there, counts as 1e-20 beside the latter.
    pub fn noise_above_first_index(self, noise_above_first_index: bool) -> Ddpm {
        Ddpm { noise_above_first_index, ..self }
    }

    /// The standard deviations of a step by the model's own variance, one a place; `None` where the fixed one holds.
    fn learned_deviations<T: Element>(
        &self,
        range: Option<&Tensor<T>>,
        step: &Step,
    ) -> Result<Option<Tensor<T>>> {
        let transition = step.transition;
        let refuse = |value: String, why: &str| Err(Error::parameter(WHAT, "variance", value, why));
        let variance = |range: f64| match self.learned {
            LearnedVariance::Variance => range,
            _ if self.noise_above_first_index => {
                between_in_log(transition.beta, transition.posterior_variance().max(1e-20), range)
            }
            _ => transition.learned_variance(range),
        };
        match (self.learned, range) {
            (LearnedVariance::Ignored, _) | (LearnedVariance::RangeIfAny, None) => Ok(None),
            (_, None) => refuse(
                "learned".into(),
                "the model predicts none; it has as many output channels as its pictures",
            ),
            (_, Some(range)) => {
                let mut deviations = range.clone();
                for place in deviations.as_mut_slice() {
                    let variance = variance(place.to_f64());
                    if !(variance >= 0.0 && variance.is_finite()) {
                        return refuse(variance.to_string(), "the model predicts what is no variance");
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
        self.times.steps().len()
    }

    fn time(&self, step: usize) -> Timestep {
        self.times.steps()[step].from
    }

    fn step(
        &self,
        step: usize,
        x: &Tensor<T>,
        model: &Conditioned<'_, T>,
        _: &mut History<T>,
    ) -> Result<State<T>> {
        let planned = self.times.steps()[step];
        let Step { from: t, transition, .. } = planned;
        let (prediction, times) = model.predict(x, t)?;
        let x0_hat = self.clip.apply(prediction.x0(x, &times)?);
        let (of_x0, of_x) = transition.posterior_mean_coefficients();
        let quiet = if self.noise_above_first_index { t.clock() <= 0.0 } else { transition.to.noise == 0.0 };
        let next = if quiet {
            ops::combine(&[(&[of_x0], &x0_hat), (&[of_x], x)])?
        } else {
            let mut z = model.noise(step, x);
            let mut sigma = transition.variance(self.variance).sqrt();
            if let Some(deviations) = self.learned_deviations(prediction.range.as_ref(), &planned)? {
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
