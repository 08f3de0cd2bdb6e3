use super::denoiser::{Holder, denoiser};
use super::painting::{Painting, Run};
use super::request::SampleRequest;
use super::trained::Model;
use crate::{Error, Result};
use std::sync::Arc;
use tweedie_diffusion::{Sampler, purpose};
use tweedie_tensor::random;
use tweedie_tensor::{Tensor, ops};

impl Model {
    /// Paints the pictures of a request: an iterator over the states on the way, which [returns](Painting::finish) the
    /// pictures at the end.
    ///
    /// # Errors
    /// A request that does not fit the model. The iterator's own errors are outputs that are not finite.
    pub fn sample(&self, request: &SampleRequest) -> Result<Painting<'_>> {
        painting(self, request)
    }

    /// As [`Model::sample`], of a model that has several owners: the painting is one of them.
    ///
    /// # Errors
    /// As [`Model::sample`].
    pub fn sample_shared(self: &Arc<Model>, request: &SampleRequest) -> Result<Painting<'static>> {
        painting(Arc::clone(self), request)
    }

    /// What `sampler` needs for the pictures of a request.
    pub(super) fn run(
        &self,
        request: &SampleRequest,
        sampler: Box<dyn Sampler<f32> + Send>,
    ) -> Result<Run<'_>> {
        run(self, request, sampler)
    }

    /// What the sampler makes of the noise that a request starts from.
    pub(super) fn start(&self, request: &SampleRequest, sampler: &impl Sampler<f32>) -> Result<Tensor<f32>> {
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

fn painting<'m>(model: impl Holder + 'm, request: &SampleRequest) -> Result<Painting<'m>> {
    let sampler = model.sampler(&request.sampling)?;
    if sampler.steps() == 0 {
        return Err(Error::config("no steps to take", "--steps", "give at least 1"));
    }
    let x = model.start(request, &sampler)?;
    Ok(Painting::new(Run { restores_signal: true, ..run(model, request, sampler)? }, x, 0))
}

fn run<'m>(
    model: impl Holder + 'm,
    request: &SampleRequest,
    sampler: Box<dyn Sampler<f32> + Send>,
) -> Result<Run<'m>> {
    Ok(Run {
        denoiser: denoiser(model, request)?,
        sampler,
        condition: request.condition.clone(),
        noise: request.noise(),
        restores_signal: false,
    })
}
