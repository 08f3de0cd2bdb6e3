use crate::checks::one_time_each;
use crate::{Error, Level, PredictionKind, Result, Timestep};
use tweedie_tensor::{Element, Tensor, ops};

/// What a denoiser returns: a tensor of x_t's shape, and what it is a prediction of.
#[derive(Debug, Clone)]
pub struct Prediction<T: Element> {
    /// What is predicted.
    pub kind: PredictionKind,
    /// The prediction.
    pub value: Tensor<T>,
    /// The model's own say on the variance of the reverse step, of the same shape: log σ² = u log β + (1 − u) log β̃ with
    /// u = (1 + range)/2, so that −1 is the small variance and 1 the large one (Nichol and Dhariwal 2021, eq. 15).
    pub range: Option<Tensor<T>>,
}

impl<T: Element> Prediction<T> {
    /// A prediction of the given kind.
    pub fn new(kind: PredictionKind, value: Tensor<T>) -> Prediction<T> {
        Prediction { kind, value, range: None }
    }

    /// The prediction in a network's output: all of it, or where it `learns_variance` the first half of its channels,
    /// and the range in the second.
    ///
    /// # Errors
    /// [`Error::Tensor`] when the channels (the second axis) are not two halves.
    pub fn from_output(
        kind: PredictionKind,
        output: Tensor<T>,
        learns_variance: bool,
    ) -> Result<Prediction<T>> {
        if !learns_variance {
            return Ok(Prediction::new(kind, output));
        }
        let half = output.dims().get(1).map_or(0, |channels| channels / 2);
        let value = ops::narrow(&output, 1, 0, half)?;
        let range = ops::narrow(&output, 1, half, half)?;
        Ok(Prediction { kind, value, range: Some(range) })
    }

    /// The quantity of kind `to` that this prediction implies for `x_t` at times `t` (one a sample).
    ///
    /// From x_t = s x_0 + n ε and y = a x_0 + b ε follows, with D = s b − n a,
    /// c x_0 + d ε = ((c b − d a) x_t + (d s − c n) y) / D. Where c b = d a, one is a multiple of the other.
    ///
    /// # Errors
    /// [`Error::Undetermined`] where D = 0 otherwise: ε says nothing about x_0 where no signal is left, nor x_0 about ε where
    /// there is no noise. [`Error::Count`] unless there is one time a sample, [`Error::Tensor`] when shapes differ.
    pub fn convert(&self, to: PredictionKind, x_t: &Tensor<T>, t: &[Timestep]) -> Result<Tensor<T>> {
        one_time_each("convert", x_t.shape(), t.len())?;
        if to == self.kind {
            return Ok(self.value.clone());
        }
        let (mut of_x, mut of_y) = (Vec::with_capacity(t.len()), Vec::with_capacity(t.len()));
        for time in t {
            let Level { signal, noise } = time.level();
            let ((a, b), (c, d)) = (self.kind.coefficients(time.level()), to.coefficients(time.level()));
            let (determinant, across) = (signal * b - noise * a, c * b - d * a);
            if across == 0.0 {
                of_x.push(0.0);
                of_y.push(if b == 0.0 { c / a } else { d / b });
                continue;
            }
            if determinant == 0.0 {
                return Err(Error::Undetermined { from: self.kind, to, t: time.clock(), signal, noise });
            }
            of_x.push(across / determinant);
            of_y.push((d * signal - c * noise) / determinant);
        }
        Ok(ops::combine(&[(&of_x, x_t), (&of_y, &self.value)])?)
    }

    /// The implied clean picture x̂_0.
    ///
    /// # Errors
    /// As [`Prediction::convert`].
    pub fn x0(&self, x_t: &Tensor<T>, t: &[Timestep]) -> Result<Tensor<T>> {
        self.convert(PredictionKind::Sample, x_t, t)
    }

    /// The implied noise ε̂.
    ///
    /// # Errors
    /// As [`Prediction::convert`].
    pub fn epsilon(&self, x_t: &Tensor<T>, t: &[Timestep]) -> Result<Tensor<T>> {
        self.convert(PredictionKind::Epsilon, x_t, t)
    }

    /// The implied v.
    ///
    /// # Errors
    /// As [`Prediction::convert`].
    pub fn v(&self, x_t: &Tensor<T>, t: &[Timestep]) -> Result<Tensor<T>> {
        self.convert(PredictionKind::V, x_t, t)
    }
}
