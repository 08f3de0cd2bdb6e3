use crate::{Conditioned, Error, Level, Result, Sampler, Trajectory};
use tweedie_tensor::{Element, Tensor, ops};

/// SDEdit (Meng et al. 2022, algorithm 1): a picture is noised part of the way, and denoised from there. The more noise,
/// the more of it is repainted.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SdEdit {
    strength: f64,
}

impl SdEdit {
    /// With the last `strength` of a sampler's steps: 0 leaves the picture as it is, 1 is sampling, but for what the noisiest
    /// level still holds of the picture.
    ///
    /// # Errors
    /// [`Error::Parameter`] when `strength` is outside [0, 1].
    pub fn new(strength: f64) -> Result<SdEdit> {
        if !(0.0..=1.0).contains(&strength) {
            return Err(Error::parameter("SDEdit", "strength", strength, "must be between 0 and 1"));
        }
        Ok(SdEdit { strength })
    }

    /// How many of `steps` steps are taken: the nearest whole number to strength · steps.
    pub fn steps_of(&self, steps: usize) -> usize {
        ((self.strength * steps as f64).round() as usize).min(steps)
    }

    /// What the pictures `x0` (the leading axis counts samples) are at the first step that is taken: noised to that step's
    /// level; as they are, where none is taken.
    ///
    /// # Errors
    /// [`Error::Tensor`] when the noise cannot be combined with `x0`.
    pub fn start<T: Element>(
        &self,
        sampler: &impl Sampler<T>,
        model: &Conditioned<'_, T>,
        x0: &Tensor<T>,
    ) -> Result<Tensor<T>> {
        let first = sampler.steps() - self.steps_of(sampler.steps());
        if first == sampler.steps() {
            return Ok(x0.clone());
        }
        let Level { signal, noise } = sampler.time(first).level();
        let z = model.forward_noise(0, x0);
        Ok(ops::combine(&[(&[signal], x0), (&[noise], &z)])?)
    }

    /// The run from the pictures `x0`, or `None` where no step is taken, so that the pictures are the result.
    ///
    /// # Errors
    /// As [`SdEdit::start`].
    pub fn run<'a, T: Element, S: Sampler<T>>(
        &self,
        sampler: &'a S,
        model: Conditioned<'a, T>,
        x0: &Tensor<T>,
    ) -> Result<Option<Trajectory<'a, T, S>>> {
        let first = sampler.steps() - self.steps_of(sampler.steps());
        if first == sampler.steps() {
            return Ok(None);
        }
        let x = self.start(sampler, &model, x0)?;
        Ok(Some(sampler.run_with(model, x).starting_at(first)))
    }
}
