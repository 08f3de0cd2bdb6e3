use super::same_sample::same_sample;
use crate::checks::one_time_each;
use crate::{Condition, Denoiser, Error, Level, Prediction, PredictionKind, Result, Timestep};
use tweedie_tensor::{Element, Tensor};

/// The exact denoiser of data x_0 ~ N(m, v I).
///
/// Then x_t ~ N(s m, (s² v + n²) I), with signal s and noise n, and
/// E[x_0 | x_t] = m + s v / (s² v + n²) · (x_t − s m).
#[derive(Debug, Clone)]
pub struct GaussianDenoiser<T: Element> {
    mean: Tensor<T>,
    variance: f64,
}

impl<T: Element> GaussianDenoiser<T> {
    /// Data of mean `mean` (the shape of one sample) and variance `variance` in every place.
    ///
    /// # Errors
    /// [`Error::Parameter`] when the variance is negative or not finite.
    pub fn new(mean: Tensor<T>, variance: f64) -> Result<GaussianDenoiser<T>> {
        if !(variance >= 0.0 && variance.is_finite()) {
            let why = "a variance is at least 0";
            return Err(Error::parameter("Gaussian denoiser", "variance", variance, why));
        }
        Ok(GaussianDenoiser { mean, variance })
    }

    /// The factor of x_t in E[x_0 | x_t]: s v / (s² v + n²).
    pub fn gain(&self, level: Level) -> f64 {
        let Level { signal, noise } = level;
        let total = signal * signal * self.variance + noise * noise;
        // Without noise and without spread, x_t is s m, and any gain is right.
        if total == 0.0 { 0.0 } else { signal * self.variance / total }
    }
}

impl<T: Element> Denoiser<T> for GaussianDenoiser<T> {
    /// Predicts x_0; the condition is not read.
    fn predict(&self, x_t: &Tensor<T>, t: &[Timestep], _: &Condition) -> Result<Prediction<T>> {
        const OP: &str = "Gaussian denoiser";
        one_time_each(OP, x_t.shape(), t.len())?;
        same_sample(OP, x_t, self.mean.dims())?;
        let mut x0 = x_t.clone();
        let each = self.mean.numel().max(1);
        for (sample, time) in x0.as_mut_slice().chunks_mut(each).zip(t) {
            let gain = self.gain(time.level());
            let (gain, rest) = (T::from_f64(gain), T::from_f64(1.0 - gain * time.level().signal));
            for (x, &mean) in sample.iter_mut().zip(self.mean.as_slice()) {
                *x = gain.mul_add(*x, rest * mean);
            }
        }
        Ok(Prediction::new(PredictionKind::Sample, x0))
    }
}
