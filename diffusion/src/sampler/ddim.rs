use super::conditioned::Conditioned;
use super::history::History;
use super::run::{Sampler, State};
use crate::{Clip, Error, Level, Prediction, PredictionKind, Result, Step, Times, Timestep};
use tweedie_tensor::{Element, Tensor, ops};

/// DDIM (Song et al. 2021, eq. 12): x_s = √ᾱ_s x̂_0 + √(1−ᾱ_s−σ²) ε̂ + σ z, with σ² = η² β̃ (eq. 16).
///
/// η = 0 adds no noise: the picture is a function of x_T. η = 1 is DDPM with the small variance, in distribution.
#[derive(Debug, Clone)]
pub struct Ddim {
    times: Times,
    eta: f64,
    clip: Clip,
    epsilon_from_clipped: bool,
}

impl Ddim {
    /// A sampler over `times`, without clipping.
    ///
    /// # Errors
    /// [`Error::Parameter`] when `eta` is outside [0, 1].
    pub fn new(times: &Times, eta: f64) -> Result<Ddim> {
        if !(0.0..=1.0).contains(&eta) {
            return Err(Error::parameter("DDIM", "eta", eta, "must be between 0 and 1"));
        }
        Ok(Ddim { times: times.clone(), eta, clip: Clip::Off, epsilon_from_clipped: false })
    }

    /// The same sampler, with x̂_0 clipped. ε̂ stays what the model predicted, as diffusers has it, unless
    /// [`Ddim::epsilon_from_clipped`] is set.
    pub fn clip(self, clip: Clip) -> Ddim {
        Ddim { clip, ..self }
    }

    /// Whether ε̂ is computed again from the clipped x̂_0, so that the two still explain x_t together.
    pub fn epsilon_from_clipped(self, epsilon_from_clipped: bool) -> Ddim {
        Ddim { epsilon_from_clipped, ..self }
    }
}

impl<T: Element> Sampler<T> for Ddim {
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
        let Step { from: t, transition, .. } = self.times.steps()[step];
        let (prediction, times) = model.predict(x, t)?;
        let x0_hat = self.clip.apply(prediction.x0(x, &times)?);
        let epsilon = if self.epsilon_from_clipped {
            Prediction::new(PredictionKind::Sample, x0_hat.clone()).epsilon(x, &times)?
        } else {
            prediction.epsilon(x, &times)?
        };
        let Level { signal, noise } = transition.to;
        let eta_squared = self.eta * self.eta;
        let variance = eta_squared * transition.posterior_variance();
        // 1 − ᾱ_s − σ² without cancellation: β̃ is (1 − ᾱ_s) less α (1 − ᾱ_s)² / (1 − ᾱ_t).
        let ratio = noise / transition.from.noise;
        let direction = noise * (1.0 - eta_squared + eta_squared * transition.alpha * ratio * ratio).sqrt();
        let next = if variance == 0.0 {
            ops::combine(&[(&[signal], &x0_hat), (&[direction], &epsilon)])?
        } else {
            let z = model.noise(step, x);
            ops::combine(&[(&[signal], &x0_hat), (&[direction], &epsilon), (&[variance.sqrt()], &z)])?
        };
        Ok(State { step, t, x: next, level: transition.to, x0_hat, evaluations: 1 })
    }
}
