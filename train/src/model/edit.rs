//! Editing with a trained network. Each function returns a [`Painting`]: an iterator over the steps on the way, which
//! returns the pictures at the end.

use super::painting::Painting;
use super::request::SampleRequest;
use super::trained::Model;
use crate::Result;
use tweedie_diffusion::{Conditioned, Ddim, Inpaint, Inversion, Known, Sampler, SdEdit, lerp, slerp};
use tweedie_tensor::{Tensor, ops};

/// RePaint's resampling: `jump` steps at a time are taken `times` times.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Resampling {
    /// Steps that are taken back together.
    pub jump: usize,
    /// How often they are taken; 1 is replacement alone.
    pub times: usize,
}

/// The curve from one x_T to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Curve {
    /// The great circle, on which every tensor has about the norm of noise.
    Spherical,
    /// The straight line, whose middle has a smaller norm.
    Linear,
}

/// Paints `request.n` pictures that are `picture` \[c, h, w\] where `painted` is false.
///
/// # Errors
/// A mask or request that does not fit the model.
pub fn inpaint<'m>(
    model: &'m Model,
    request: &SampleRequest,
    picture: &Tensor<f32>,
    painted: &[bool],
    resampling: Resampling,
) -> Result<Painting<'m>> {
    let known = Known::new(picture.clone(), painted.to_vec())?;
    let sampler = Inpaint::new(model.sampler(&request.sampling)?, known)
        .resampled(resampling.jump, resampling.times)?;
    let x = model.start(request, &sampler)?;
    Ok(Painting::new(model.run(request, Box::new(sampler))?, x, 0))
}

/// Paints `request.n` variations of `picture` \[c, h, w\] by SDEdit. Where `strength` is so small that no step is taken,
/// the variations are the picture.
///
/// # Errors
/// A strength outside \[0, 1\]; a request that does not fit the model.
pub fn vary<'m>(
    model: &'m Model,
    request: &SampleRequest,
    picture: &Tensor<f32>,
    strength: f64,
) -> Result<Painting<'m>> {
    let edit = SdEdit::new(strength)?;
    let sampler = model.sampler(&request.sampling)?;
    let x0 = repeated(picture, request.n)?;
    let run = model.run(request, sampler)?;
    let first = run.sampler.steps() - edit.steps_of(run.sampler.steps());
    let noise = Conditioned::new(&*run.denoiser, &run.condition, run.noise);
    let x = edit.start(&run.sampler, &noise, &x0)?;
    Ok(Painting::new(run, x, first))
}

/// The x_T of each of `pictures` \[n, c, h, w\], by DDIM inversion with `iterations` evaluations a step.
///
/// # Errors
/// A request that does not fit the model; no iterations.
pub fn invert<'m>(
    model: &'m Model,
    request: &SampleRequest,
    pictures: &Tensor<f32>,
    iterations: usize,
) -> Result<Painting<'m>> {
    let inversion = Inversion::new(&model.times(&request.sampling)?).iterations(iterations)?;
    Ok(Painting::new(model.run(request, Box::new(inversion))?, pictures.clone(), 0))
}

/// The pictures that DDIM paints from `x_t` over the times of [`invert`], without noise or clipping.
///
/// # Errors
/// A request that does not fit the model.
pub fn reconstruct<'m>(model: &'m Model, request: &SampleRequest, x_t: &Tensor<f32>) -> Result<Painting<'m>> {
    let ddim = Ddim::new(&model.times(&request.sampling)?, 0.0)?;
    Ok(Painting::new(model.run(request, Box::new(ddim))?, x_t.clone(), 0))
}

/// `n` tensors \[n, c, h, w\] at equal distances on a curve from the first to the second of `ends` \[2, c, h, w\], both
/// included: pictures between two come from [`reconstruct`] on them, where the ends are x_T of the two by [`invert`].
///
/// # Errors
/// Ends that are opposite.
pub fn interpolate(ends: &Tensor<f32>, n: usize, curve: Curve) -> Result<Tensor<f32>> {
    let [a, b] = [ops::narrow(ends, 0, 0, 1)?, ops::narrow(ends, 0, 1, 1)?];
    let places = (0..n).map(|i| {
        let u = i as f64 / (n - 1).max(1) as f64;
        match curve {
            Curve::Spherical => slerp(&a, &b, u),
            Curve::Linear => lerp(&a, &b, u),
        }
    });
    let places = places.collect::<tweedie_diffusion::Result<Vec<_>>>()?;
    Ok(ops::concat(&places.iter().collect::<Vec<_>>(), 0)?)
}

/// How a picture came back from its x_T.
#[derive(Debug, Clone)]
pub struct RoundTrip {
    /// What came back less the picture.
    pub difference: Tensor<f32>,
    /// The root of its mean square.
    pub rms: f64,
    /// Its largest magnitude.
    pub max: f64,
    /// The root mean square of x_T.
    pub noise_rms: f64,
}

impl RoundTrip {
    /// Compares `back` with `picture`.
    ///
    /// # Errors
    /// Shapes that differ.
    pub fn of(picture: &Tensor<f32>, x_t: &Tensor<f32>, back: &Tensor<f32>) -> Result<RoundTrip> {
        let difference = ops::combine(&[(&[1.0], back), (&[-1.0], picture)])?;
        let rms = |x: &Tensor<f32>| (ops::sum_squares(x) / x.numel().max(1) as f64).sqrt();
        let max = difference.as_slice().iter().fold(0.0, |max, &x| f64::max(max, f64::from(x.abs())));
        Ok(RoundTrip { rms: rms(&difference), max, noise_rms: rms(x_t), difference })
    }
}

/// A batch of `n` times the same picture \[c, h, w\].
fn repeated(picture: &Tensor<f32>, n: usize) -> Result<Tensor<f32>> {
    let shape = [&[n], picture.dims()].concat();
    Ok(Tensor::from_slice(tweedie_tensor::Shape::new(&shape)?, &picture.as_slice().repeat(n))?)
}
