use super::mixture::MixtureDenoiser;
use crate::{Condition, Denoiser, Prediction, Result, Timestep};
use tweedie_tensor::{Element, Tensor};

/// The exact denoiser of a finite data set, every picture equally likely: the mixture of points
/// E[x_0 | x_t] = Σ_i r_i x_i, r_i ∝ exp(−‖x_t − √ᾱ_t x_i‖² / 2(1−ᾱ_t)).
///
/// It has the least loss on its set that any model can have, and sampling with it gives the set back, picture for
/// picture: what a network adds is to be wrong in a useful way.
#[derive(Debug, Clone)]
pub struct EmpiricalDenoiser<T: Element>(MixtureDenoiser<T>);

impl<T: Element> EmpiricalDenoiser<T> {
    /// The denoiser of `data`, whose leading axis counts pictures.
    ///
    /// # Errors
    /// [`Error::Parameter`](crate::Error::Parameter) when there is no picture.
    pub fn new(data: Tensor<T>) -> Result<EmpiricalDenoiser<T>> {
        let pictures = data.dims().first().copied().unwrap_or(0);
        Ok(EmpiricalDenoiser(MixtureDenoiser::new(data, &vec![1.0; pictures], &vec![0.0; pictures])?))
    }

    /// As [`MixtureDenoiser::log_density`].
    ///
    /// # Errors
    /// As [`Denoiser::predict`].
    pub fn log_density(&self, x_t: &Tensor<T>, t: &[Timestep]) -> Result<Vec<f64>> {
        self.0.log_density(x_t, t)
    }
}

impl<T: Element> Denoiser<T> for EmpiricalDenoiser<T> {
    /// Predicts x_0; the condition is not read.
    fn predict(&self, x_t: &Tensor<T>, t: &[Timestep], condition: &Condition) -> Result<Prediction<T>> {
        self.0.predict(x_t, t, condition)
    }
}
