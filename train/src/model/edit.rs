//! Editing with a trained network. Each function calls its `watch` with the share of the work that is done, and answers
//! `None` if that stopped it.

use crate::{Model, Result, SampleRequest};
use std::ops::ControlFlow;
use tweedie_diffusion::{
    Ddim, Inpaint, Inversion, Known, NoiseSource, Sampler, SdEdit, Trajectory, lerp, slerp,
};
use tweedie_tensor::{Tensor, ops};

/// RePaint's resampling: `jump` steps at a time are taken `times` times.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Resampling {
    /// Steps that are taken back together.
    pub jump: usize,
    /// How often they are taken; 1 is replacement alone.
    pub times: usize,
}

/// Which way leads from one x_T to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// Along the great circle.
    Spherical,
    /// Along the straight line.
    Linear,
}

/// Paints `request.n` pictures that are `picture` \[c, h, w\] where `painted` is false.
///
/// # Errors
/// A mask or request that does not fit the model, or an output that is not finite.
pub fn inpaint(
    model: &Model,
    request: &SampleRequest,
    picture: &Tensor<f32>,
    painted: &[bool],
    resampling: Resampling,
    watch: impl FnMut(f64) -> ControlFlow<()>,
) -> Result<Option<Tensor<f32>>> {
    let known = Known::new(picture.clone(), painted.to_vec())?;
    let sampler = Inpaint::new(model.sampler(&request.sampling)?, known)
        .resampled(resampling.jump, resampling.times)?;
    run(model, request, &sampler, model.start(request, &sampler)?, watch)
}

/// Paints `request.n` variations of `picture` \[c, h, w\] by SDEdit.
///
/// # Errors
/// A strength outside \[0, 1\], a request that does not fit the model, or an output that is not finite.
pub fn vary(
    model: &Model,
    request: &SampleRequest,
    picture: &Tensor<f32>,
    strength: f64,
    watch: impl FnMut(f64) -> ControlFlow<()>,
) -> Result<Option<Tensor<f32>>> {
    let edit = SdEdit::new(strength)?;
    let sampler = model.sampler(&request.sampling)?;
    let x0 = repeated(picture, request.n)?;
    let denoiser = model.denoiser(request)?;
    let asked = tweedie_diffusion::Model::new(&*denoiser, &request.condition, noise(request));
    match edit.run(&sampler, asked, &x0)? {
        Some(trajectory) => finish(trajectory, edit.steps_of(sampler.steps()), watch),
        None => Ok(Some(x0)),
    }
}

/// The x_T of each of `pictures` \[n, c, h, w\], by DDIM inversion with `iterations` evaluations a step.
///
/// # Errors
/// A request that does not fit the model, or an output that is not finite.
pub fn invert(
    model: &Model,
    request: &SampleRequest,
    pictures: &Tensor<f32>,
    iterations: usize,
    watch: impl FnMut(f64) -> ControlFlow<()>,
) -> Result<Option<Tensor<f32>>> {
    let inversion = Inversion::new(model.plan(&request.sampling)?).iterations(iterations)?;
    run(model, request, &inversion, pictures.clone(), watch)
}

/// The pictures that DDIM paints from `x_t` over the times of [`invert`], without noise or clipping.
///
/// # Errors
/// As [`invert`].
pub fn reconstruct(
    model: &Model,
    request: &SampleRequest,
    x_t: &Tensor<f32>,
    watch: impl FnMut(f64) -> ControlFlow<()>,
) -> Result<Option<Tensor<f32>>> {
    let ddim = Ddim::over(model.plan(&request.sampling)?, 0.0)?;
    run(model, request, &ddim, x_t.clone(), watch)
}

/// `n` tensors \[n, c, h, w\] from the first to the second of `ends` \[2, c, h, w\], both included.
///
/// # Errors
/// Ends that are opposite.
pub fn between(ends: &Tensor<f32>, n: usize, way: Way) -> Result<Tensor<f32>> {
    let [a, b] = [ops::narrow(ends, 0, 0, 1)?, ops::narrow(ends, 0, 1, 1)?];
    let places = (0..n).map(|i| {
        let u = i as f64 / (n - 1).max(1) as f64;
        match way {
            Way::Spherical => slerp(&a, &b, u),
            Way::Linear => lerp(&a, &b, u),
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

fn noise(request: &SampleRequest) -> NoiseSource {
    NoiseSource { seed: request.seed, first_sample: request.first as u64 }
}

fn run(
    model: &Model,
    request: &SampleRequest,
    sampler: &impl Sampler<f32>,
    x: Tensor<f32>,
    watch: impl FnMut(f64) -> ControlFlow<()>,
) -> Result<Option<Tensor<f32>>> {
    let denoiser = model.denoiser(request)?;
    finish(sampler.run(&*denoiser, x, &request.condition, noise(request)), sampler.steps(), watch)
}

/// Where a run of so many steps ends.
fn finish(
    trajectory: Trajectory<'_, f32, impl Sampler<f32>>,
    steps: usize,
    mut watch: impl FnMut(f64) -> ControlFlow<()>,
) -> Result<Option<Tensor<f32>>> {
    let mut last = None;
    for (step, state) in trajectory.enumerate() {
        last = Some(state?.x);
        if watch((step + 1) as f64 / steps as f64).is_break() {
            return Ok(None);
        }
    }
    Ok(last)
}
