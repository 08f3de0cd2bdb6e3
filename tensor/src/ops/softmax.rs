use super::pieces::Target;
use crate::reduction;
use crate::simd::vectorized;
use crate::{Element, Error, Result, Shape, Tensor};

/// Softmax over the last axis, y_i = e^(x_i) / Σ_j e^(x_j), in x's own memory if no other tensor shares it.
///
/// # Errors
/// [`Error::Unfit`] when `x` has no axes or empty rows.
pub fn softmax<T: Element>(x: Tensor<T>) -> Result<Tensor<T>> {
    let row = row_of("softmax", x.shape())?;
    Ok(Target::reuse(x).update_rows(row, |_, rows| {
        for row in rows.chunks_exact_mut(row) {
            softmax_row(row, T::ONE);
        }
    }))
}

/// The gradient of the input of [`softmax`] from its output: dx = y (dy − Σ_j dy_j y_j), in dy's memory if no other tensor
/// shares it.
///
/// # Errors
/// [`Error::Mismatch`] when shapes differ; [`Error::Unfit`] as [`softmax`].
pub fn softmax_backward<T: Element>(y: &Tensor<T>, dy: Tensor<T>) -> Result<Tensor<T>> {
    let row = same_rows("softmax_backward", y, &dy)?;
    let y = y.as_slice();
    Ok(Target::reuse(dy).update_rows(row, |start, rows| {
        for (dy, y) in rows.chunks_exact_mut(row).zip(y[start..].chunks_exact(row)) {
            vectorized(
                #[inline(always)]
                || {
                    let [product] = reduction::sums_of_pairs(
                        y,
                        dy,
                        #[inline(always)]
                        |[sum], y, dy| [y.mul_add(dy, sum)],
                    );
                    let product = T::from_f64(product);
                    for (dy, &y) in dy.iter_mut().zip(y) {
                        *dy = y * (*dy - product);
                    }
                },
            );
        }
    }))
}

/// The logarithm of softmax over the last axis, y_i = x_i − ln Σ_j e^(x_j), in x's own memory if no other tensor
/// shares it.
///
/// # Errors
/// [`Error::Unfit`] when `x` has no axes or empty rows.
pub fn log_softmax<T: Element>(x: Tensor<T>) -> Result<Tensor<T>> {
    let row = row_of("log_softmax", x.shape())?;
    Ok(Target::reuse(x).update_rows(row, |_, rows| {
        for row in rows.chunks_exact_mut(row) {
            vectorized(
                #[inline(always)]
                || {
                    let most = reduction::max_number(row);
                    let [sum] = reduction::sums(
                        row,
                        #[inline(always)]
                        |[sum], x| [sum + (x - most).exp()],
                    );
                    let shift = most + T::from_f64(sum).ln();
                    for x in row.iter_mut() {
                        *x -= shift;
                    }
                },
            );
        }
    }))
}

/// The gradient of log_softmax's input from its output: dx = dy − e^y Σ_j dy_j, in dy's memory if no other tensor
/// shares it.
///
/// # Errors
/// [`Error::Mismatch`] when shapes differ; [`Error::Unfit`] as [`log_softmax`].
pub fn log_softmax_backward<T: Element>(y: &Tensor<T>, dy: Tensor<T>) -> Result<Tensor<T>> {
    let row = same_rows("log_softmax_backward", y, &dy)?;
    let y = y.as_slice();
    Ok(Target::reuse(dy).update_rows(row, |start, rows| {
        for (dy, y) in rows.chunks_exact_mut(row).zip(y[start..].chunks_exact(row)) {
            vectorized(
                #[inline(always)]
                || {
                    let [sum] = reduction::sums(
                        dy,
                        #[inline(always)]
                        |[sum], dy| [sum + dy],
                    );
                    let sum = T::from_f64(sum);
                    for (dy, &y) in dy.iter_mut().zip(y) {
                        *dy -= sum * y.exp();
                    }
                },
            );
        }
    }))
}

/// Cross-entropy of class labels under logits `[n, k]`: the mean over samples of −ln p, with p the
/// softmax at the sample's label, as a scalar, and the log-probabilities that [`cross_entropy_backward`] reads.
///
/// # Errors
/// [`Error::Unfit`] when the logits are not `[n, k]`; [`Error::Parameter`] when there is not one label below k for
/// each sample.
pub fn cross_entropy<T: Element>(logits: Tensor<T>, labels: &[usize]) -> Result<(Tensor<T>, Tensor<T>)> {
    let k = check_labels("cross_entropy", logits.shape(), labels)?;
    let log_probabilities = log_softmax(logits)?;
    let rows = log_probabilities.as_slice().chunks_exact(k);
    let sum: f64 = rows.zip(labels).map(|(row, &label)| row[label].to_f64()).sum();
    Ok((Tensor::scalar(T::from_f64(-sum / labels.len() as f64)), log_probabilities))
}

/// The gradient of [`cross_entropy`]'s logits, (softmax − one-hot) · dloss / n, in the memory of the
/// log-probabilities if no other tensor shares it.
///
/// # Errors
/// As [`cross_entropy`].
pub fn cross_entropy_backward<T: Element>(
    log_probabilities: Tensor<T>,
    labels: &[usize],
    dloss: T,
) -> Result<Tensor<T>> {
    let k = check_labels("cross_entropy_backward", log_probabilities.shape(), labels)?;
    let scale = T::from_f64(dloss.to_f64() / labels.len() as f64);
    Ok(Target::reuse(log_probabilities).update_rows(k, |start, rows| {
        for (row, &label) in rows.chunks_exact_mut(k).zip(&labels[start / k..]) {
            vectorized(
                #[inline(always)]
                || {
                    for x in row.iter_mut() {
                        *x = scale * x.exp();
                    }
                },
            );
            row[label] -= scale;
        }
    }))
}

/// Softmax of `scale · x` over one row, in place; returns ln Σ e^(scale · x).
pub(super) fn softmax_row<T: Element>(row: &mut [T], scale: T) -> T {
    vectorized(
        #[inline(always)]
        || {
            // The largest of scale · x is found first, so that no exponential overflows.
            for x in row.iter_mut() {
                *x *= scale;
            }
            let most = reduction::max_number(row);
            for x in row.iter_mut() {
                *x = (*x - most).exp();
            }
            let [sum] = reduction::sums(
                row,
                #[inline(always)]
                |[sum], x| [sum + x],
            );
            let factor = T::from_f64(1.0 / sum);
            for x in row.iter_mut() {
                *x *= factor;
            }
            most + T::from_f64(sum).ln()
        },
    )
}

fn row_of(op: &'static str, shape: &Shape) -> Result<usize> {
    match shape.dims().last() {
        Some(&row) if row > 0 => Ok(row),
        _ => Err(Error::Unfit { op, shape: *shape, why: "has no last axis, or an empty one".to_string() }),
    }
}

fn same_rows<T: Element>(op: &'static str, y: &Tensor<T>, dy: &Tensor<T>) -> Result<usize> {
    Shape::check_same(op, y.shape(), dy.shape(), "the gradient must have the output's shape")?;
    row_of(op, y.shape())
}

fn check_labels(op: &'static str, shape: &Shape, labels: &[usize]) -> Result<usize> {
    let [n, k] = shape.exactly(op, "must have two axes: samples, classes")?;
    if labels.len() != n {
        let why = format!("must be one for each of the {n} samples of {shape}");
        return Err(Error::Parameter { op, name: "labels", value: format!("{} numbers", labels.len()), why });
    }
    if let Some(label) = labels.iter().find(|&&label| label >= k) {
        let why = format!("there are {k} classes, counted from 0");
        return Err(Error::Parameter { op, name: "label", value: label.to_string(), why });
    }
    Ok(k)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::{assert_close, assert_gradient, assert_same_on_all_thread_counts, values};

    fn oracle(x: &Tensor<f64>) -> Vec<f64> {
        let row = x.dims()[x.rank() - 1];
        let of = |row: &[f64]| {
            let sum: f64 = row.iter().map(|x| x.exp()).sum();
            row.iter().map(|x| x.exp() / sum).collect::<Vec<_>>()
        };
        x.as_slice().chunks(row).flat_map(of).collect()
    }

    #[test]
    fn softmax_its_logarithm_and_their_gradients() {
        for dims in [[1, 1, 1], [2, 3, 10], [3, 7, 97], [1, 5, 5003], [0, 2, 3]] {
            let (x, dy) = (values::<f64>(dims, 1), values::<f64>(dims, 2));
            let expected = oracle(&x);
            let logs: Vec<f64> = expected.iter().map(|p| p.ln()).collect();
            let y = softmax(x.clone()).unwrap();
            assert_close(y.as_slice(), &expected, 1e-13);
            assert_close(softmax(x.cast::<f32>()).unwrap().as_slice(), &expected, 1e-6);
            let dx = softmax_backward(&y, dy.clone()).unwrap();
            assert_gradient(&x, &dy, &dx, |x| softmax(x.clone()).unwrap());
            let y = log_softmax(x.clone()).unwrap();
            assert_close(y.as_slice(), &logs, 1e-13);
            assert_close(log_softmax(x.cast::<f32>()).unwrap().as_slice(), &logs, 1e-6);
            let dx = log_softmax_backward(&y, dy.clone()).unwrap();
            assert_gradient(&x, &dy, &dx, |x| log_softmax(x.clone()).unwrap());
        }
    }

    #[test]
    fn cross_entropy_is_the_mean_surprise() {
        let (x, labels) = (values::<f64>([5, 7], 1), [0, 6, 3, 3, 1]);
        let (loss, saved) = cross_entropy(x.clone(), &labels).unwrap();
        let p = oracle(&x);
        let expected = -(0..5).map(|i| p[i * 7 + labels[i]].ln()).sum::<f64>() / 5.0;
        assert_close(loss.as_slice(), &[expected], 1e-13);
        let dx = cross_entropy_backward(saved, &labels, 1.3).unwrap();
        let f = |x: &Tensor<f64>| cross_entropy(x.clone(), &labels).unwrap().0;
        assert_gradient(&x, &Tensor::scalar(1.3), &dx, f);
        assert!(cross_entropy(x.clone(), &[0; 4]).is_err());
        let message = cross_entropy(x, &[0, 0, 0, 0, 7]).unwrap_err().to_string();
        assert_eq!(message, "cross_entropy: label = 7: there are 7 classes, counted from 0");
    }

    #[test]
    fn large_logits_do_not_overflow_and_threads_do_not_matter() {
        let y = softmax(Tensor::from_slice([1, 3], &[1e4f32, 1e4, -1e4]).unwrap()).unwrap();
        assert_eq!(y.as_slice(), [0.5, 0.5, 0.0]);
        let y = softmax(Tensor::from_slice([2, 2], &[0.0f32, f32::NAN, 1.0, 1.0]).unwrap()).unwrap();
        assert!(y.as_slice()[..2].iter().all(|y| y.is_nan()) && y.as_slice()[2..] == [0.5, 0.5]);
        let x = values::<f32>([211, 307], 1);
        assert_same_on_all_thread_counts(|| softmax(x.clone()).unwrap().as_slice().to_vec());
        assert!(softmax(Tensor::<f32>::scalar(1.0)).is_err());
    }
}
