use super::request::SampleRequest;
use super::trained::Model;
use crate::{Error, Result};
use std::ops::Deref;
use tweedie_autograd::Var;
use tweedie_diffusion::{Condition, Denoiser, Guided, Prediction, Timestep};
use tweedie_nn::{Ctx, Inputs};
use tweedie_tensor::Tensor;

/// Who has a model, to ask it while a painting goes on: a borrow, or one of several owners.
pub(super) trait Holder: Deref<Target = Model> + Denoiser<f32> + Send {}

impl<H: Deref<Target = Model> + Denoiser<f32> + Send> Holder for H {}

/// The network itself, or under guidance where a request asks for it.
///
/// # Errors
/// Guidance of a model that does not know what a picture of no class is.
pub(super) fn denoiser<'a>(
    model: impl Holder + 'a,
    request: &SampleRequest,
) -> Result<Box<dyn Denoiser<f32> + Send + 'a>> {
    let SampleRequest { condition, sampling, .. } = request;
    if sampling.guidance == 1.0 || condition.is_none() {
        return Ok(Box::new(model));
    }
    let Some(unconditional) = model.unconditional(condition) else {
        return Err(Error::config(
            "the model was trained without label dropout, which guidance needs",
            "--guidance",
            "leave it at 1",
        ));
    };
    let guided = Guided::new(model, unconditional, sampling.guidance);
    Ok(Box::new(guided.rescaled(sampling.guidance_rescale)))
}

impl Model {
    /// One pass of the network: its output as it is, for noisy pictures `x` \[n, c, h, w\], n timesteps in the
    /// network's own counting (0..T), and what each is to show.
    ///
    /// # Errors
    /// Shapes or counts that do not fit, a class or a word that does not exist.
    pub fn predict(&self, x: &Tensor<f32>, timesteps: &[f64], condition: &Condition) -> Result<Tensor<f32>> {
        Ok(self
            .forward(&Ctx::inference(&self.params), Var::constant(x.clone()), timesteps, condition)?
            .into_value())
    }

    /// Where the network looks for each word of the captions in such a pass: \[n, tokens, h, w\] for each
    /// cross-attention, the mean over its heads. At each place the tokens' shares sum to 1.
    ///
    /// # Errors
    /// As [`Model::predict`].
    pub fn attention_maps(
        &self,
        x: &Tensor<f32>,
        timesteps: &[f64],
        condition: &Condition,
    ) -> Result<Vec<Tensor<f32>>> {
        let ctx = Ctx::inference(&self.params).with_attention_maps();
        self.forward(&ctx, Var::constant(x.clone()), timesteps, condition)?;
        Ok(ctx.take_attention_maps())
    }

    /// The network's pass over pictures that may stand on a tape.
    pub(crate) fn forward(
        &self,
        ctx: &Ctx,
        x: Var<f32>,
        timesteps: &[f64],
        condition: &Condition,
    ) -> Result<Var<f32>> {
        let Condition { classes, captions } = condition;
        let inputs = Inputs { timesteps, classes: classes.as_deref(), captions: captions.as_deref() };
        Ok(self.network.forward(ctx, x, inputs)?)
    }
}

impl Denoiser<f32> for Model {
    fn predict(
        &self,
        x_t: &Tensor<f32>,
        t: &[Timestep],
        condition: &Condition,
    ) -> tweedie_diffusion::Result<Prediction<f32>> {
        let clocks: Vec<f64> = t.iter().map(Timestep::clock).collect();
        let refused = |error: Error| tweedie_diffusion::Error::Denoiser(Box::new(error));
        let value = Model::predict(self, x_t, &clocks, condition).map_err(refused)?;
        if !value.all_finite() {
            // Once more, to say where: watching every layer costs too much to be done each time.
            let ctx = Ctx::inference(&self.params).watching();
            self.forward(&ctx, Var::constant(x_t.clone()), &clocks, condition).map_err(refused)?;
            let layer = ctx.first_not_finite().unwrap_or("after the last").to_string();
            return Err(refused(Error::NotFinite { t: clocks[0], layer }));
        }
        Prediction::from_output(self.prediction().map_err(refused)?, value, self.learns_variance)
    }
}
