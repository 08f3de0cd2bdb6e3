//! Sums over whole tensors, in f64, and the squared errors made of them.

use super::lanes;
use super::pieces::{PIECE, for_blocks, for_pieces, worth_splitting};
use crate::simd::vectorized;
use crate::{Element, Error, Result, Tensor};
use rayon::prelude::*;

/// Σ x².
pub fn sum_squares<T: Element>(x: &Tensor<T>) -> f64 {
    over_pieces(
        x.as_slice(),
        x.as_slice(),
        #[inline(always)]
        |x, _| {
            let [sum] = lanes::sums(
                x,
                #[inline(always)]
                |[sum], x| [x.mul_add(x, sum)],
            );
            sum
        },
    )
}

/// Σ a · b.
///
/// # Errors
/// [`Error::Mismatch`] when shapes differ.
pub fn dot<T: Element>(a: &Tensor<T>, b: &Tensor<T>) -> Result<f64> {
    same_shape("dot", a, b)?;
    Ok(over_pieces(
        a.as_slice(),
        b.as_slice(),
        #[inline(always)]
        |a, b| {
            let [sum] = lanes::sums_of_pairs(
                a,
                b,
                #[inline(always)]
                |[sum], a, b| [a.mul_add(b, sum)],
            );
            sum
        },
    ))
}

/// For each sample (leading axis) the mean of (a − b)² over its elements.
///
/// # Errors
/// [`Error::Mismatch`] when shapes differ.
pub fn mean_square_per_sample<T: Element>(a: &Tensor<T>, b: &Tensor<T>) -> Result<Vec<f64>> {
    same_shape("mean_square_per_sample", a, b)?;
    let samples = a.dims().first().copied().unwrap_or(1);
    let len = a.numel() / samples.max(1);
    Ok((0..samples).map(|i| squared_distance(sample(a, i, len), sample(b, i, len)) / len as f64).collect())
}

/// The mean of (a − b)² over all elements: a scalar.
///
/// # Errors
/// [`Error::Mismatch`] when shapes differ.
pub fn mse<T: Element>(a: &Tensor<T>, b: &Tensor<T>) -> Result<Tensor<T>> {
    same_shape("mse", a, b)?;
    let sum = squared_distance(a.as_slice(), b.as_slice());
    Ok(Tensor::scalar(T::from_f64(sum / a.numel() as f64)))
}

/// The gradient of [`mse`] with respect to `a`, 2 (a − b) · dloss / n; with respect to `b` it is the negative.
///
/// # Errors
/// [`Error::Mismatch`] when shapes differ.
pub fn mse_backward<T: Element>(a: &Tensor<T>, b: &Tensor<T>, dloss: T) -> Result<Tensor<T>> {
    same_shape("mse_backward", a, b)?;
    Ok(scaled_difference(a, b, &[2.0 * dloss.to_f64() / a.numel() as f64]))
}

/// The mean over all elements of w_i (a − target)², with one weight w_i per sample (leading axis): a scalar.
///
/// # Errors
/// [`Error::Mismatch`] when shapes differ; [`Error::Parameter`] when there is not one weight per sample.
pub fn weighted_mse<T: Element>(a: &Tensor<T>, target: &Tensor<T>, weights: &[f64]) -> Result<Tensor<T>> {
    one_weight_per_sample("weighted_mse", a, weights)?;
    same_shape("weighted_mse", a, target)?;
    let len = a.numel() / weights.len().max(1);
    let of = |(i, w): (usize, &f64)| w * squared_distance(sample(a, i, len), sample(target, i, len));
    let sum: f64 = weights.iter().enumerate().map(of).sum();
    Ok(Tensor::scalar(T::from_f64(sum / a.numel() as f64)))
}

/// The gradient of [`weighted_mse`] with respect to `a`: 2 w_i (a − target) · dloss / n.
///
/// # Errors
/// As [`weighted_mse`].
pub fn weighted_mse_backward<T: Element>(
    a: &Tensor<T>,
    target: &Tensor<T>,
    weights: &[f64],
    dloss: T,
) -> Result<Tensor<T>> {
    one_weight_per_sample("weighted_mse_backward", a, weights)?;
    same_shape("weighted_mse_backward", a, target)?;
    let scale = 2.0 * dloss.to_f64() / a.numel() as f64;
    let factors: Vec<f64> = weights.iter().map(|w| w * scale).collect();
    Ok(scaled_difference(a, target, &factors))
}

/// Σ x, in lanes and pieces of constant size that are folded in order.
pub(super) fn sum_in_f64<T: Element>(x: &[T]) -> f64 {
    over_pieces(
        x,
        x,
        #[inline(always)]
        |x, _| {
            let [sum] = lanes::sums(
                x,
                #[inline(always)]
                |[sum], x| [sum + x],
            );
            sum
        },
    )
}

fn squared_distance<T: Element>(a: &[T], b: &[T]) -> f64 {
    over_pieces(
        a,
        b,
        #[inline(always)]
        |a, b| {
            let [sum] = lanes::sums_of_pairs(
                a,
                b,
                #[inline(always)]
                |[sum], a, b| {
                    let d = a - b;
                    [d.mul_add(d, sum)]
                },
            );
            sum
        },
    )
}

fn over_pieces<T: Element>(x: &[T], y: &[T], of: impl Fn(&[T], &[T]) -> f64 + Sync) -> f64 {
    let one = |(x, y): (&[T], &[T])| {
        vectorized(
            #[inline(always)]
            || of(x, y),
        )
    };
    if worth_splitting(x.len()) {
        let partial: Vec<f64> = x.par_chunks(PIECE).zip(y.par_chunks(PIECE)).map(one).collect();
        partial.into_iter().sum()
    } else {
        x.chunks(PIECE).zip(y.chunks(PIECE)).map(one).sum()
    }
}

/// c_i (a − b), with one factor for each sample or one for all.
fn scaled_difference<T: Element>(a: &Tensor<T>, b: &Tensor<T>, factors: &[f64]) -> Tensor<T> {
    let row = a.numel() / factors.len().max(1);
    let mut out = Tensor::scratch(*a.shape());
    for_pieces(out.as_mut_slice(), PIECE, a.numel(), |start, piece| {
        for_blocks(start, piece, row, |start, block| {
            let c = T::from_f64(factors[start / row]);
            let (a, b) = (&a.as_slice()[start..], &b.as_slice()[start..]);
            vectorized(
                #[inline(always)]
                || {
                    for ((out, &a), &b) in block.iter_mut().zip(a).zip(b) {
                        *out = c * (a - b);
                    }
                },
            );
        });
    });
    out
}

fn sample<T: Element>(x: &Tensor<T>, i: usize, len: usize) -> &[T] {
    &x.as_slice()[i * len..][..len]
}

fn same_shape<T: Element>(op: &'static str, a: &Tensor<T>, b: &Tensor<T>) -> Result<()> {
    if a.shape() != b.shape() {
        let why = "the two must have the same shape";
        return Err(Error::Mismatch { op, left: *a.shape(), right: *b.shape(), why });
    }
    Ok(())
}

fn one_weight_per_sample<T: Element>(op: &'static str, a: &Tensor<T>, weights: &[f64]) -> Result<()> {
    let samples = a.dims().first().copied().unwrap_or(1);
    if weights.len() != samples {
        let why = format!("must be one number for each of the {samples} samples of {}", a.shape());
        let value = format!("{} numbers", weights.len());
        return Err(Error::Parameter { op, name: "weights", value, why });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::check::{assert_close, assert_gradient, assert_same_on_all_thread_counts, values};

    #[test]
    fn squared_errors_and_their_gradients() {
        for dims in [[1, 1, 1], [3, 5, 7], [2, 101, 211], [5, 1, 1]] {
            let (a, b) = (values::<f64>(dims, 1), values::<f64>(dims, 2));
            let weights: Vec<f64> = (0..dims[0]).map(|i| 0.5 + i as f64).collect();
            let len = dims[1] * dims[2];
            let squares: Vec<f64> =
                a.as_slice().iter().zip(b.as_slice()).map(|(a, b)| (a - b) * (a - b)).collect();
            let per_sample: Vec<f64> =
                squares.chunks(len).map(|s| s.iter().sum::<f64>() / len as f64).collect();
            assert_close(&mean_square_per_sample(&a, &b).unwrap(), &per_sample, 1e-12);
            let n = dims[0] as f64;
            let plain = per_sample.iter().sum::<f64>() / n;
            assert_close(mse(&a, &b).unwrap().as_slice(), &[plain], 1e-12);
            assert_close(mse(&a.cast::<f32>(), &b.cast()).unwrap().as_slice(), &[plain], 1e-5);
            let weighted = per_sample.iter().zip(&weights).map(|(e, w)| e * w).sum::<f64>() / n;
            assert_close(weighted_mse(&a, &b, &weights).unwrap().as_slice(), &[weighted], 1e-12);
            let dy = Tensor::scalar(1.7);
            assert_gradient(&a, &dy, &mse_backward(&a, &b, 1.7).unwrap(), |a| mse(a, &b).unwrap());
            let da = weighted_mse_backward(&a, &b, &weights, 1.7).unwrap();
            assert_gradient(&a, &dy, &da, |a| weighted_mse(a, &b, &weights).unwrap());
        }
    }

    #[test]
    fn products_and_bits() {
        let (a, b) = (values::<f32>([100_003], 1), values::<f32>([100_003], 2));
        let exact: f64 =
            a.as_slice().iter().zip(b.as_slice()).map(|(&a, &b)| f64::from(a) * f64::from(b)).sum();
        assert!((dot(&a, &b).unwrap() - exact).abs() < 1e-2);
        assert!((sum_squares(&a) - dot(&a, &a).unwrap()).abs() < 1e-9);
        assert_same_on_all_thread_counts(|| {
            [sum_squares(&a), dot(&a, &b).unwrap(), sum_in_f64(a.as_slice())].map(f64::to_bits)
        });
    }

    #[test]
    fn misuse_is_named() {
        let (a, b) = (values::<f32>([2, 3], 1), values::<f32>([3, 2], 2));
        assert!(mse(&a, &b).unwrap_err().to_string().starts_with("mse: shapes [2, 3] and [3, 2]"));
        let message = weighted_mse(&a, &a, &[1.0]).unwrap_err().to_string();
        assert!(message.contains("one number for each of the 2 samples"), "{message}");
    }
}
