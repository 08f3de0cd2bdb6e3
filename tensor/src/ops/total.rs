//! Sums over whole tensors, in f64, and the squared errors made of them.

use super::pieces::{PIECE, for_pieces, worth_splitting};
use crate::reduction;
use crate::simd::vectorized;
use crate::{Element, Result, Shape, Tensor};
use rayon::prelude::*;

/// Σ x².
pub fn sum_squares<T: Element>(x: &Tensor<T>) -> f64 {
    over_pieces(
        x.as_slice(),
        x.as_slice(),
        #[inline(always)]
        |x, _| {
            let [sum] = reduction::sums(
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
/// [`Error::Mismatch`](crate::Error::Mismatch) when shapes differ.
pub fn dot<T: Element>(a: &Tensor<T>, b: &Tensor<T>) -> Result<f64> {
    same_shape("dot", a, b)?;
    Ok(over_pieces(
        a.as_slice(),
        b.as_slice(),
        #[inline(always)]
        |a, b| {
            let [sum] = reduction::sums_of_pairs(
                a,
                b,
                #[inline(always)]
                |[sum], a, b| [a.mul_add(b, sum)],
            );
            sum
        },
    ))
}

/// The mean of (a − b)² over all elements: a scalar.
///
/// # Errors
/// [`Error::Mismatch`](crate::Error::Mismatch) when shapes differ.
pub fn mse<T: Element>(a: &Tensor<T>, b: &Tensor<T>) -> Result<Tensor<T>> {
    same_shape("mse", a, b)?;
    let sum = squared_distance(a.as_slice(), b.as_slice());
    Ok(Tensor::scalar(T::from_f64(sum / a.numel() as f64)))
}

/// The gradient of [`mse`] with respect to `a`, 2 (a − b) · dloss / n; with respect to `b` it is the negative.
///
/// # Errors
/// [`Error::Mismatch`](crate::Error::Mismatch) when shapes differ.
pub fn mse_backward<T: Element>(a: &Tensor<T>, b: &Tensor<T>, dloss: T) -> Result<Tensor<T>> {
    same_shape("mse_backward", a, b)?;
    Ok(scaled_difference(a, b, 2.0 * dloss.to_f64() / a.numel() as f64))
}

/// Σ x, in lanes and pieces of constant size that are folded in order.
pub(super) fn sum_in_f64<T: Element>(x: &[T]) -> f64 {
    over_pieces(
        x,
        x,
        #[inline(always)]
        |x, _| {
            let [sum] = reduction::sums(
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
            let [sum] = reduction::sums_of_pairs(
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

/// c (a − b).
fn scaled_difference<T: Element>(a: &Tensor<T>, b: &Tensor<T>, c: f64) -> Tensor<T> {
    let c = T::from_f64(c);
    let mut out = Tensor::scratch(*a.shape());
    for_pieces(out.as_mut_slice(), PIECE, a.numel(), |start, piece| {
        let (a, b) = (&a.as_slice()[start..], &b.as_slice()[start..]);
        vectorized(
            #[inline(always)]
            || {
                for ((out, &a), &b) in piece.iter_mut().zip(a).zip(b) {
                    *out = c * (a - b);
                }
            },
        );
    });
    out
}

fn same_shape<T: Element>(op: &'static str, a: &Tensor<T>, b: &Tensor<T>) -> Result<()> {
    Shape::check_same(op, a.shape(), b.shape(), "the two must have the same shape")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::{assert_close, assert_gradient, assert_same_on_all_thread_counts, values};

    #[test]
    fn squared_errors_and_their_gradients() {
        for dims in [[1, 1, 1], [3, 5, 7], [2, 101, 211], [5, 1, 1]] {
            let (a, b) = (values::<f64>(dims, 1), values::<f64>(dims, 2));
            let squares = a.as_slice().iter().zip(b.as_slice()).map(|(a, b)| (a - b) * (a - b));
            let mean = squares.sum::<f64>() / a.numel() as f64;
            assert_close(mse(&a, &b).unwrap().as_slice(), &[mean], 1e-12);
            assert_close(mse(&a.cast::<f32>(), &b.cast()).unwrap().as_slice(), &[mean], 1e-5);
            let dy = Tensor::scalar(1.7);
            assert_gradient(&a, &dy, &mse_backward(&a, &b, 1.7).unwrap(), |a| mse(a, &b).unwrap());
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
    }
}
