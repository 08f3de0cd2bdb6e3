use crate::purpose;
use crate::{Clip, Condition, Denoiser, Prediction, PredictionKind, Result, Timestep, predict_finite};
use tweedie_tensor::random::{self, Purpose};
use tweedie_tensor::{Element, Tensor};

/// What keys the noise of a stochastic sampler: sample i of a run gets the stream of sample `first_sample` + i, so
/// that pictures do not depend on how many are painted at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoiseSource {
    /// The seed.
    pub seed: u64,
    /// The number of the first sample.
    pub first_sample: u64,
}

impl From<u64> for NoiseSource {
    /// The seed, with samples counted from 0.
    fn from(seed: u64) -> NoiseSource {
        NoiseSource { seed, first_sample: 0 }
    }
}

/// A denoiser under the condition of a run, and the run's noise: what a step of a sampler may ask.
pub struct Conditioned<'a, T: Element> {
    denoiser: &'a dyn Denoiser<T>,
    condition: &'a Condition,
    source: NoiseSource,
    /// How many times the steps were taken before.
    round: usize,
    given: &'a [Tensor<T>],
}

impl<'a, T: Element> Conditioned<'a, T> {
    /// The denoiser under a condition, and the key of the noise.
    pub fn new(
        denoiser: &'a dyn Denoiser<T>,
        condition: &'a Condition,
        noise: impl Into<NoiseSource>,
    ) -> Conditioned<'a, T> {
        Conditioned { denoiser, condition, source: noise.into(), round: 0, given: &[] }
    }

    /// The same, step i getting the noise `given[i]`; steps beyond draw theirs.
    pub fn with_noise(self, given: &'a [Tensor<T>]) -> Conditioned<'a, T> {
        Conditioned { given, ..self }
    }

    /// The same, for steps that are taken once more: each round has noise of its own.
    pub fn in_round(&self, round: usize) -> Conditioned<'a, T> {
        Conditioned { round, ..*self }
    }

    /// The prediction at `x`, all samples of which are at time `t`; and that time for each sample.
    ///
    /// # Errors
    /// As [`predict_finite`].
    pub fn predict(&self, x: &Tensor<T>, t: Timestep) -> Result<(Prediction<T>, Vec<Timestep>)> {
        let times = vec![t; x.dims().first().copied().unwrap_or(1)];
        Ok((predict_finite(self.denoiser, x, &times, self.condition)?, times))
    }

    /// x̂_0 at `x`, clipped.
    ///
    /// # Errors
    /// As [`predict_finite`] and [`Prediction::x0`].
    pub fn x0(&self, x: &Tensor<T>, t: Timestep, clip: Clip) -> Result<Tensor<T>> {
        let (prediction, times) = self.predict(x, t)?;
        Ok(clip.apply(prediction.x0(x, &times)?))
    }

    /// x̂_0 at `x`, clipped, and the ε̂ that explains x together with it.
    ///
    /// # Errors
    /// As [`predict_finite`] and [`Prediction::convert`].
    pub fn x0_and_epsilon(&self, x: &Tensor<T>, t: Timestep, clip: Clip) -> Result<(Tensor<T>, Tensor<T>)> {
        let (mut prediction, times) = self.predict(x, t)?;
        let x0 = clip.apply(prediction.x0(x, &times)?);
        if clip != Clip::Off {
            prediction = Prediction::new(PredictionKind::Sample, x0.clone());
        }
        Ok((x0, prediction.epsilon(x, &times)?))
    }

    /// Standard normals of x's shape for step number `step`.
    pub fn noise(&self, step: usize, x: &Tensor<T>) -> Tensor<T> {
        match self.given.get(step) {
            Some(noise) => noise.clone(),
            None => self.draw(purpose::SAMPLER, step, x),
        }
    }

    /// Standard normals of x's shape for a forward step, which pictures are edited by; `step` counts them.
    pub fn forward_noise(&self, step: usize, x: &Tensor<T>) -> Tensor<T> {
        self.draw(purpose::NOISE, step, x)
    }

    fn draw(&self, purpose: Purpose, step: usize, x: &Tensor<T>) -> Tensor<T> {
        // A run has fewer than 2³² steps, and fewer than 2¹² rounds, or draws what it has drawn.
        let place = ((self.round as u64) << 32) + step as u64;
        let NoiseSource { seed, first_sample } = self.source;
        random::normal(*x.shape(), seed, purpose, place, first_sample)
    }
}
