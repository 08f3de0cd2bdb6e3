use super::request::SampleRequest;
use super::trained::Model;
use crate::{Error, Result};
use tweedie_diffusion::purpose;
use tweedie_diffusion::{NoiseSource, Sampler, State};
use tweedie_tensor::random;
use tweedie_tensor::{Tensor, ops};

impl Model {
    /// Paints pictures, calling `each` with every state on the way.
    ///
    /// # Errors
    /// A request that does not fit the model, an output that is not finite, or an error of `each`.
    pub fn sample(
        &self,
        request: &SampleRequest,
        mut each: impl FnMut(&State<f32>) -> Result<()>,
    ) -> Result<Tensor<f32>> {
        let noise = NoiseSource { seed: request.seed, first_sample: request.first as u64 };
        let (denoiser, sampler) = (self.denoiser(request)?, self.sampler(&request.sampling)?);
        let mut last = None;
        for state in sampler.run(&*denoiser, self.start(request, &sampler)?, &request.condition, noise) {
            let state = state?;
            each(&state)?;
            last = Some((state.x, state.level.signal));
        }
        let no_steps = || Error::config("no steps to take", "--steps", "give at least 1");
        let (x, signal) = last.ok_or_else(no_steps)?;
        match sampler.ends_without_signal() && signal != 1.0 {
            true => Ok(ops::combine(&[(&[1.0 / signal], &x)])?),
            false => Ok(x),
        }
    }

    /// What the sampler makes of the noise that a request starts from.
    pub(crate) fn start(&self, request: &SampleRequest, sampler: &impl Sampler<f32>) -> Result<Tensor<f32>> {
        let [c, h, w] = self.shape();
        let noise = match &request.x_t {
            Some(x) => x.clone(),
            None => {
                let SampleRequest { n, first, seed, .. } = *request;
                random::normal([n, c, h, w], seed, purpose::START, 0, first as u64)
            }
        };
        match sampler.start_deviation() {
            1.0 => Ok(noise),
            deviation => Ok(ops::combine(&[(&[deviation], &noise)])?),
        }
    }
}
