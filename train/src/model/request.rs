use crate::Result;
use crate::config::SamplingConfig;
use std::ops::Range;
use tweedie_diffusion::{Condition, NoiseSource};
use tweedie_tensor::{Tensor, ops};

/// What to paint.
#[derive(Debug, Clone)]
pub struct SampleRequest {
    /// How many pictures.
    pub n: usize,
    /// The number of the first one: picture i depends on (seed, first + i) alone.
    pub first: usize,
    /// Where to start, n·c·h·w; drawn from the seed if not given.
    pub x_t: Option<Tensor<f32>>,
    /// What each is to show.
    pub condition: Condition,
    /// The seed of the starting noise and of what stochastic samplers add.
    pub seed: u64,
    /// The sampler and its settings.
    pub sampling: SamplingConfig,
}

impl SampleRequest {
    /// `n` pictures of this condition, from noise that follows from the seed.
    pub fn new(n: usize, condition: Condition, seed: u64, sampling: SamplingConfig) -> SampleRequest {
        SampleRequest { n, first: 0, x_t: None, condition, seed, sampling }
    }

    /// The request of some of its pictures. What is painted does not depend on how a request is cut.
    ///
    /// # Errors
    /// A start of fewer pictures.
    ///
    /// # Panics
    /// As [`Condition::part`].
    pub fn part(&self, pictures: Range<usize>) -> Result<SampleRequest> {
        let (start, n) = (pictures.start, pictures.len());
        let x_t = self.x_t.as_ref().map(|x| ops::narrow(x, 0, start, n)).transpose()?;
        let (first, condition) = (self.first + start, self.condition.part(start, n));
        Ok(SampleRequest { n, first, x_t, condition, ..self.clone() })
    }

    /// The key of the noise that a stochastic sampler adds.
    pub(super) fn noise(&self) -> NoiseSource {
        NoiseSource { seed: self.seed, first_sample: self.first as u64 }
    }
}
