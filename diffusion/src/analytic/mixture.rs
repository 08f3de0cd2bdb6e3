use super::same_sample::same_sample;
use crate::checks::one_time_each;
use crate::{Condition, Denoiser, Error, Level, Prediction, PredictionKind, Result, Timestep};
use tweedie_tensor::{Element, Number, Tensor};

/// The exact denoiser of a mixture of round Gaussians, x_0 ~ Σ_k w_k N(m_k, v_k I). With v_k = 0 a component is a
/// single point: two of them at ±1 are the smallest data set that is not Gaussian.
///
/// With signal s, noise n and u_k = s² v_k + n², the components' posterior weights are
/// r_k ∝ w_k u_k^(−d/2) exp(−‖x_t − s m_k‖² / 2u_k), and
/// E[x_0 | x_t] = Σ_k r_k (m_k + s v_k / u_k · (x_t − s m_k)). Computed in f64 whatever `T` is.
#[derive(Debug, Clone)]
pub struct MixtureDenoiser<T: Element> {
    /// All means: the leading axis counts components.
    means: Tensor<T>,
    log_weights: Vec<f64>,
    variances: Vec<f64>,
}

impl<T: Element> MixtureDenoiser<T> {
    /// A mixture with means `means` (the leading axis counts components, the others are a sample's), and a weight
    /// and a variance for each. Weights need not add up to 1.
    ///
    /// # Errors
    /// [`Error::Parameter`] when there is no component, a weight or variance is missing, a weight is not above 0, or
    /// a variance is negative.
    pub fn new(means: Tensor<T>, weights: &[f64], variances: &[f64]) -> Result<MixtureDenoiser<T>> {
        const WHAT: &str = "mixture denoiser";
        let components = means.dims().first().copied().unwrap_or(0);
        if components == 0 {
            return Err(Error::parameter(WHAT, "means", means.shape(), "there must be at least one"));
        }
        for (name, values) in [("weights", weights), ("variances", variances)] {
            if values.len() != components {
                let why = format!("there are {components} means");
                return Err(Error::parameter(WHAT, name, format!("{} numbers", values.len()), why));
            }
        }
        if let Some(weight) = weights.iter().find(|&&w| !(w > 0.0 && w.is_finite())) {
            return Err(Error::parameter(WHAT, "weight", weight, "a weight is above 0"));
        }
        if let Some(variance) = variances.iter().find(|&&v| !(v >= 0.0 && v.is_finite())) {
            return Err(Error::parameter(WHAT, "variance", variance, "a variance is at least 0"));
        }
        let log_weights = weights.iter().map(|&w| Number::ln(w)).collect();
        Ok(MixtureDenoiser { means, log_weights, variances: variances.to_vec() })
    }

    /// ln p_t(x_t), the logarithm of the density at times `t` of each sample of `x_t`: Σ_k w_k N(x_t; s m_k, u_k I).
    ///
    /// # Errors
    /// As [`Denoiser::predict`].
    pub fn log_density(&self, x_t: &Tensor<T>, t: &[Timestep]) -> Result<Vec<f64>> {
        let each = self.check(x_t, t)?;
        let weights: f64 = self.log_weights.iter().map(|&log| Number::exp(log)).sum();
        let constant = Number::ln(weights) + 0.5 * each as f64 * Number::ln(std::f64::consts::TAU);
        let samples = x_t.as_slice().chunks(each.max(1)).zip(t);
        Ok(samples
            .map(|(x, time)| {
                let logits = self.logits(x, time.level());
                let largest = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                let sum: f64 = logits.iter().map(|&logit| Number::exp(logit - largest)).sum();
                largest + Number::ln(sum) - constant
            })
            .collect())
    }

    /// ln w_k u_k^(−d/2) − ‖x − s m_k‖² / 2u_k of each component.
    fn logits(&self, x: &[T], Level { signal, noise }: Level) -> Vec<f64> {
        let each = x.len();
        let means = self.means.as_slice().chunks(each.max(1));
        let of = |((mean, variance), log_weight): ((&[T], &f64), &f64)| {
            let total = signal * signal * variance + noise * noise;
            let square: f64 = x
                .iter()
                .zip(mean)
                .map(|(x, m)| {
                    let difference = x.to_f64() - signal * m.to_f64();
                    difference * difference
                })
                .sum();
            log_weight - 0.5 * (square / total + each as f64 * Number::ln(total))
        };
        means.zip(&self.variances).zip(&self.log_weights).map(of).collect()
    }

    /// The posterior mean of one sample, added into `out`.
    fn posterior_mean(&self, x: &[T], level: Level, out: &mut [f64]) {
        let Level { signal, noise } = level;
        let mut odds = self.logits(x, level);
        let largest = odds.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        odds.iter_mut().for_each(|logit| *logit = Number::exp(*logit - largest));
        let sum: f64 = odds.iter().sum();
        let means = self.means.as_slice().chunks(x.len().max(1));
        for ((mean, odds), variance) in means.zip(odds).zip(&self.variances) {
            let total = signal * signal * variance + noise * noise;
            let (share, gain) = (odds / sum, signal * variance / total);
            for ((y, x), m) in out.iter_mut().zip(x).zip(mean) {
                *y += share * (gain * x.to_f64() + (1.0 - gain * signal) * m.to_f64());
            }
        }
    }

    /// Refuses samples of another shape, and times without noise; returns the numbers of a sample.
    fn check(&self, x_t: &Tensor<T>, t: &[Timestep]) -> Result<usize> {
        const OP: &str = "mixture denoiser";
        one_time_each(OP, x_t.shape(), t.len())?;
        same_sample(OP, x_t, &self.means.dims()[1..])?;
        if let Some(time) = t.iter().find(|time| time.level().noise == 0.0) {
            let why = "without noise there is nothing to infer";
            return Err(Error::parameter(OP, "noise at t", time.clock(), why));
        }
        Ok(x_t.numel() / t.len().max(1))
    }
}

impl<T: Element> Denoiser<T> for MixtureDenoiser<T> {
    /// Predicts x_0; the condition is not read.
    fn predict(&self, x_t: &Tensor<T>, t: &[Timestep], _: &Condition) -> Result<Prediction<T>> {
        let each = self.check(x_t, t)?;
        let mut x0 = Tensor::zeros(*x_t.shape());
        let mut mean = vec![0.0; each];
        let samples = x_t.as_slice().chunks(each.max(1)).zip(x0.as_mut_slice().chunks_mut(each.max(1)));
        for ((x, out), time) in samples.zip(t) {
            mean.fill(0.0);
            self.posterior_mean(x, time.level(), &mut mean);
            for (y, &m) in out.iter_mut().zip(&mean) {
                *y = T::from_f64(m);
            }
        }
        Ok(Prediction::new(PredictionKind::Sample, x0))
    }
}
