use crate::checks::one_each;
use crate::{Error, Prediction, Result, Timestep};
use std::sync::Arc;
use tweedie_tensor::{Element, Tensor};

/// What a picture is to show, beside being one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Condition {
    /// The class of each sample; none for an unconditional model.
    pub classes: Option<Vec<usize>>,
    /// The caption of each sample, the numbers of its words; none for a model that reads no captions. The empty
    /// caption asks for nothing.
    pub captions: Option<Vec<Vec<usize>>>,
}

impl Condition {
    /// A class each.
    pub fn of_classes(classes: Vec<usize>) -> Condition {
        Condition { classes: Some(classes), ..Condition::default() }
    }

    /// A caption each.
    pub fn of_captions(captions: Vec<Vec<usize>>) -> Condition {
        Condition { captions: Some(captions), ..Condition::default() }
    }

    /// Whether nothing is asked for.
    pub fn is_none(&self) -> bool {
        self.classes.is_none() && self.captions.is_none()
    }

    /// The condition of `len` samples from number `start` on.
    ///
    /// # Panics
    /// When there are fewer.
    #[must_use]
    pub fn part(&self, start: usize, len: usize) -> Condition {
        Condition {
            classes: self.classes.as_ref().map(|classes| classes[start..start + len].to_vec()),
            captions: self.captions.as_ref().map(|captions| captions[start..start + len].to_vec()),
        }
    }
}

/// Anything that, shown a noisy picture, has an opinion on what it was: a network, or a distribution whose answer
/// is known. Samplers, losses and bounds take any.
pub trait Denoiser<T: Element> {
    /// Predicts from noisy pictures `x_t` (the leading axis counts samples) at times `t` (one a sample).
    ///
    /// # Errors
    /// What the denoiser cannot take; a network's own errors travel in [`Error::Denoiser`].
    fn predict(&self, x_t: &Tensor<T>, t: &[Timestep], condition: &Condition) -> Result<Prediction<T>>;
}

impl<T: Element, D: Denoiser<T> + ?Sized> Denoiser<T> for &D {
    fn predict(&self, x_t: &Tensor<T>, t: &[Timestep], condition: &Condition) -> Result<Prediction<T>> {
        (**self).predict(x_t, t, condition)
    }
}

impl<T: Element, D: Denoiser<T> + ?Sized> Denoiser<T> for Arc<D> {
    fn predict(&self, x_t: &Tensor<T>, t: &[Timestep], condition: &Condition) -> Result<Prediction<T>> {
        (**self).predict(x_t, t, condition)
    }
}

impl<T: Element, D: Denoiser<T> + ?Sized> Denoiser<T> for Box<D> {
    fn predict(&self, x_t: &Tensor<T>, t: &[Timestep], condition: &Condition) -> Result<Prediction<T>> {
        (**self).predict(x_t, t, condition)
    }
}

/// A denoiser made of a closure, by [`denoiser_fn`].
#[derive(Debug, Clone, Copy)]
pub struct DenoiserFn<F>(F);

/// The denoiser that predicts what `predict` returns.
///
/// ```
/// use tweedie_diffusion::*;
/// use tweedie_tensor::Tensor;
/// // The exact denoiser of data N(0, 1): x̂_0 = signal · x where signal² + noise² = 1.
/// let denoiser = denoiser_fn(|x: &Tensor<f64>, t: &[Timestep], _: &Condition| {
///     let signal = t[0].level().signal;
///     let x0 = Tensor::from_fn(*x.shape(), |i| signal * x.as_slice()[i]);
///     Ok(Prediction::new(PredictionKind::Sample, x0))
/// });
/// let times = Times::spaced(&Schedule::cosine(100)?, 10, Spacing::Trailing)?;
/// let x = Ddim::new(&times, 0.0)?.last(&denoiser, Tensor::full([4, 2], 0.5), &Condition::default(), 0)?;
/// assert_eq!(x.dims(), [4, 2]);
/// # Ok::<(), Error>(())
/// ```
pub fn denoiser_fn<T: Element, F>(predict: F) -> DenoiserFn<F>
where
    F: Fn(&Tensor<T>, &[Timestep], &Condition) -> Result<Prediction<T>>,
{
    DenoiserFn(predict)
}

impl<T: Element, F> Denoiser<T> for DenoiserFn<F>
where
    F: Fn(&Tensor<T>, &[Timestep], &Condition) -> Result<Prediction<T>>,
{
    fn predict(&self, x_t: &Tensor<T>, t: &[Timestep], condition: &Condition) -> Result<Prediction<T>> {
        (self.0)(x_t, t, condition)
    }
}

/// Asks the denoiser, and lets only an answer through that has x_t's shape and is finite.
///
/// # Errors
/// [`Error::Count`] unless there is one time (and, if there are any, one class, one caption) a sample;
/// [`Error::PredictionShape`] and [`Error::NotFinite`] for an answer of another shape, or with infinities or NaN in
/// it; the denoiser's own errors.
pub fn predict_finite<T: Element>(
    denoiser: &(impl Denoiser<T> + ?Sized),
    x_t: &Tensor<T>,
    t: &[Timestep],
    condition: &Condition,
) -> Result<Prediction<T>> {
    let (classes, captions) = (condition.classes.as_ref(), condition.captions.as_ref());
    let counts =
        [("times", Some(t.len())), ("classes", classes.map(Vec::len)), ("captions", captions.map(Vec::len))];
    for (what, given) in counts {
        given.map_or(Ok(()), |given| one_each("predict", x_t.shape(), what, given))?;
    }
    let prediction = denoiser.predict(x_t, t, condition)?;
    let kind = prediction.kind;
    for value in [&prediction.value].into_iter().chain(&prediction.range) {
        if value.shape() != x_t.shape() {
            return Err(Error::PredictionShape { kind, given: *value.shape(), expected: *x_t.shape() });
        }
        if let Some(at) = value.as_slice().iter().position(|y| !y.is_finite()) {
            let sample = at / (value.numel() / t.len());
            return Err(Error::NotFinite { kind, t: t[sample].clock(), sample });
        }
    }
    Ok(prediction)
}
