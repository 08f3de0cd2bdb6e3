use super::features::{rows, same_length};
use crate::{Error, Result};
use tweedie_tensor::{Element, Tensor, ops};

const WHAT: &str = "kernel distance";
/// Rows of the kernel matrix that are in memory at a time.
const BAND: usize = 512;

/// A squared maximum mean discrepancy, and how sure it is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct KernelDistance {
    /// The unbiased estimate over all pairs of rows. Of two samples of one distribution it is as often below zero as
    /// above.
    pub value: f64,
    /// The standard error of the mean of the estimates from disjoint blocks of rows. `value` uses the pairs across
    /// blocks too, so its own error is no larger.
    pub std_error: f64,
}

/// The kernel distance of Bińkowski et al. 2018: the squared maximum mean discrepancy with the kernel
/// k(x, y) = (x·y / d + 1)³, estimated without bias (Gretton et al. 2012, eq. 3):
/// Σ_{i≠j} k(x_i, x_j) / n(n−1) + Σ_{i≠j} k(y_i, y_j) / m(m−1) − 2 Σ k(x_i, y_j) / nm.
///
/// `blocks` disjoint blocks of the rows of both give the standard error.
///
/// # Errors
/// Features that are not finite or of two lengths, fewer than two blocks, or fewer than two rows a block.
pub fn kernel_distance<T: Element>(x: &Tensor<T>, y: &Tensor<T>, blocks: usize) -> Result<KernelDistance> {
    if blocks < 2 {
        return Err(Error::parameter(WHAT, "blocks", blocks, "a standard error needs at least 2"));
    }
    let ([n, d], [m, d_y]) = (rows(WHAT, x, 2 * blocks)?, rows(WHAT, y, 2 * blocks)?);
    same_length(WHAT, d, d_y)?;
    let (x, y) = (x.cast::<f64>(), y.cast::<f64>());
    let part = |x: &Tensor<f64>, n: usize, i: usize| ops::narrow(x, 0, i * (n / blocks), n / blocks);
    let mut estimates = Vec::with_capacity(blocks);
    for i in 0..blocks {
        estimates.push(unbiased(&part(&x, n, i)?, &part(&y, m, i)?)?);
    }
    let mean = estimates.iter().sum::<f64>() / blocks as f64;
    let variance = estimates.iter().map(|e| (e - mean).powi(2)).sum::<f64>() / (blocks - 1) as f64;
    Ok(KernelDistance { value: unbiased(&x, &y)?, std_error: (variance / blocks as f64).sqrt() })
}

/// The estimate over all pairs.
fn unbiased(x: &Tensor<f64>, y: &Tensor<f64>) -> Result<f64> {
    let ([n, m], d) = ([x.dims()[0] as f64, y.dims()[0] as f64], x.dims()[1]);
    let own = |x: &Tensor<f64>| -> Result<f64> {
        let rows = x.as_slice().chunks_exact(d.max(1));
        let diagonal: f64 = rows.map(|row| kernel(row.iter().map(|x| x * x).sum(), d)).sum();
        Ok(sum(x, x)? - diagonal)
    };
    Ok(own(x)? / (n * (n - 1.0)) + own(y)? / (m * (m - 1.0)) - 2.0 * sum(x, y)? / (n * m))
}

/// Σ k(x_i, y_j) over all i and j.
fn sum(x: &Tensor<f64>, y: &Tensor<f64>) -> Result<f64> {
    let [n, d] = [x.dims()[0], x.dims()[1]];
    let mut total = 0.0;
    for first in (0..n).step_by(BAND) {
        let products = ops::matmul(&ops::narrow(x, 0, first, BAND.min(n - first))?, false, y, true)?;
        total += products.as_slice().iter().map(|&product| kernel(product, d)).sum::<f64>();
    }
    Ok(total)
}

/// (x·y / d + 1)³ from x·y.
fn kernel(product: f64, d: usize) -> f64 {
    let base = product / d as f64 + 1.0;
    base * base * base
}
