use crate::checks::one_time_each;
use crate::{PredictionKind, Result, Timestep};
use tweedie_tensor::{Element, Tensor, ops};

/// What a model of the given kind should have predicted: a x_0 + b ε for the `noise` ε that made x_t of `x0`.
///
/// # Errors
/// [`Error::Count`](crate::Error::Count) unless there is one time a sample; [`Error::Tensor`](crate::Error::Tensor) when the shapes differ.
pub fn target<T: Element>(
    kind: PredictionKind,
    x0: &Tensor<T>,
    noise: &Tensor<T>,
    t: &[Timestep],
) -> Result<Tensor<T>> {
    one_time_each("target", x0.shape(), t.len())?;
    let (of_x0, of_noise): (Vec<f64>, Vec<f64>) =
        t.iter().map(|time| kind.coefficients(time.level())).unzip();
    Ok(match kind {
        PredictionKind::Epsilon => noise.clone(),
        PredictionKind::Sample => x0.clone(),
        _ => ops::combine(&[(&of_x0, x0), (&of_noise, noise)])?,
    })
}
