use super::features::{rows, same_length};
use crate::{Error, Result};
use tweedie_tensor::{Accumulate, Element, Tensor, ops};

const WHAT: &str = "moments";

/// The mean and the covariance of features that come in batches.
///
/// Each batch is centred on its own mean and then joined to what was there (Chan, Golub, LeVeque 1983, eq. 1.5):
/// with δ the difference of the means, M ← M + M_b + δ δᵀ n n_b / (n + n_b). Nothing large is subtracted from
/// anything large, however far the mean is from zero.
#[derive(Debug, Clone)]
pub struct Moments {
    count: usize,
    mean: Vec<f64>,
    /// Σ (x − mean) (x − mean)ᵀ, \[d, d\].
    scatter: Tensor<f64>,
}

impl Moments {
    /// Those of no features yet, of length `d`.
    pub fn new(d: usize) -> Moments {
        Moments { count: 0, mean: vec![0.0; d], scatter: Tensor::zeros([d, d]) }
    }

    /// Those of all rows of `features` \[n, d\].
    ///
    /// # Errors
    /// As [`Moments::add`].
    pub fn of<T: Element>(features: &Tensor<T>) -> Result<Moments> {
        let [_, d] = rows(WHAT, features, 0)?;
        let mut moments = Moments::new(d);
        moments.add(features)?;
        Ok(moments)
    }

    /// Adds the rows of `features` \[n, d\].
    ///
    /// # Errors
    /// Features that are no matrix, of another length, or not finite.
    pub fn add<T: Element>(&mut self, features: &Tensor<T>) -> Result<()> {
        let [n, d] = rows(WHAT, features, 0)?;
        same_length(WHAT, self.mean.len(), d)?;
        if n == 0 || d == 0 {
            self.count += n;
            return Ok(());
        }
        let mut centred: Tensor<f64> = features.cast();
        let mut mean = vec![0.0; d];
        for row in centred.as_slice().chunks_exact(d) {
            mean.iter_mut().zip(row).for_each(|(mean, x)| *mean += x / n as f64);
        }
        for row in centred.as_mut_slice().chunks_exact_mut(d) {
            row.iter_mut().zip(&mean).for_each(|(x, mean)| *x -= mean);
        }
        ops::matmul_into(&centred, true, &centred, false, &mut self.scatter, Accumulate::Add)?;

        let together = (self.count + n) as f64;
        let shift = Tensor::from_fn([1, d], |i| mean[i] - self.mean[i]);
        let weighted = ops::scale(shift.clone(), self.count as f64 * n as f64 / together);
        ops::matmul_into(&weighted, true, &shift, false, &mut self.scatter, Accumulate::Add)?;
        for (mean, shift) in self.mean.iter_mut().zip(shift.as_slice()) {
            *mean += shift * n as f64 / together;
        }
        self.count += n;
        Ok(())
    }

    /// How many rows there were.
    pub fn count(&self) -> usize {
        self.count
    }

    /// Their mean, d numbers.
    pub fn mean(&self) -> &[f64] {
        &self.mean
    }

    /// Their unbiased covariance, \[d, d\]: the scatter over n − 1.
    ///
    /// # Errors
    /// Fewer than two rows.
    pub fn covariance(&self) -> Result<Tensor<f64>> {
        if self.count < 2 {
            let why = "a covariance needs at least 2 rows";
            return Err(Error::parameter(WHAT, "rows", self.count, why));
        }
        Ok(ops::scale(self.scatter.clone(), 1.0 / (self.count - 1) as f64))
    }
}
