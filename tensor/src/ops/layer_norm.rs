use super::group_norm::{NormGradients, NormStats};
use super::pieces::{Target, for_pieces_of_three, worth_splitting};
use super::reduce::{Cut, sum_middle};
use super::statistics::statistics;
use crate::reduction;
use crate::rehearsal;
use crate::simd::vectorized;
use crate::{Element, Error, Result, Shape, Tensor};
use rayon::prelude::*;

/// Rows of one task: constant, since each task has its own partial gradients of scale and shift.
const ROWS: usize = 64;

/// Layer normalisation (Ba, Kiros, Hinton 2016) over the last axis: y = (x − mean) / √(variance + ε) · γ + β, with
/// the biased variance of each row, and γ, β (both `[d]` for `x` of `[…, d]`, 1 and 0 when missing).
///
/// # Errors
/// [`Error::Unfit`] when `x` has no axes; [`Error::Mismatch`] when γ or β is not `[d]`.
pub fn layer_norm<T: Element>(
    x: &Tensor<T>,
    gamma: Option<&Tensor<T>>,
    beta: Option<&Tensor<T>>,
    eps: f64,
) -> Result<(Tensor<T>, NormStats<T>)> {
    let (d, rows) = rows_of("layer_norm", x.shape(), [gamma, beta])?;
    let mut y = Tensor::scratch(*x.shape());
    let (mut mean, mut rstd) = (Tensor::scratch(rows), Tensor::scratch(rows));
    if rehearsal::is_on() {
        return Ok((y, NormStats { mean, rstd }));
    }
    let [gamma, beta] = [gamma, beta].map(|p| p.map(|p| &p.as_slice()[..d]));
    let outputs = [y.as_mut_slice(), mean.as_mut_slice(), rstd.as_mut_slice()];
    for_pieces_of_three(outputs, [d * ROWS, ROWS, ROWS], x.numel(), |task, [y, mean, rstd]| {
        for (i, y) in y.chunks_exact_mut(d).enumerate() {
            let x = &x.as_slice()[(task * ROWS + i) * d..][..d];
            (mean[i], rstd[i]) = statistics(x, eps);
            write_row(y, x, mean[i], rstd[i], gamma, beta);
        }
    });
    Ok((y, NormStats { mean, rstd }))
}

/// The gradients of [`layer_norm`]; dx takes dy's memory if no other tensor shares it.
///
/// With x̂ the normalised row: dx = rstd · (γ dy − Σ γ dy / d − x̂ Σ γ dy x̂ / d), dγ = Σ dy x̂ and dβ = Σ dy over rows.
///
/// # Errors
/// As [`layer_norm`], and [`Error::Mismatch`] when `dy` or `stats` do not go with x's shape.
pub fn layer_norm_backward<T: Element>(
    x: &Tensor<T>,
    gamma: Option<&Tensor<T>>,
    stats: &NormStats<T>,
    dy: Tensor<T>,
) -> Result<NormGradients<T>> {
    const OP: &str = "layer_norm_backward";
    let (d, rows) = rows_of(OP, x.shape(), [gamma, None])?;
    let expected = [(dy.shape(), x.shape()), (stats.mean.shape(), &rows), (stats.rstd.shape(), &rows)];
    for (left, right) in expected {
        if left != right {
            let why = "gradient and statistics must go with the input's shape";
            return Err(Error::Mismatch { op: OP, left: *left, right: *right, why });
        }
    }
    let Target { out: mut dx, source } = Target::reuse(dy);
    if rehearsal::is_on() {
        return Ok(NormGradients { dx, dgamma: Tensor::scratch([d]), dbeta: Tensor::scratch([d]) });
    }
    let gamma = gamma.map(|gamma| &gamma.as_slice()[..d]);
    let tasks = rows.numel().div_ceil(ROWS);
    // Per task: a row of Σ dy x̂, a row of Σ dy.
    let mut partial = Tensor::<T>::zeros([tasks, 2, d]);
    let differentiate = |(task, (dx, partial)): (usize, (&mut [T], &mut [T]))| {
        let (dgamma, dbeta) = partial.split_at_mut(d);
        for (i, dx) in dx.chunks_exact_mut(d).enumerate() {
            let row = task * ROWS + i;
            let x = &x.as_slice()[row * d..][..d];
            if let Some(dy) = &source {
                dx.copy_from_slice(&dy.as_slice()[row * d..][..d]);
            }
            let (mean, rstd) = (stats.mean.as_slice()[row], stats.rstd.as_slice()[row]);
            differentiate_row(dx, dgamma, dbeta, x, mean, rstd, gamma);
        }
    };
    let piece = d.max(1) * ROWS;
    let (out, sums) = (dx.as_mut_slice(), partial.as_mut_slice());
    if worth_splitting(out.len()) {
        out.par_chunks_mut(piece).zip(sums.par_chunks_mut(2 * d)).enumerate().for_each(differentiate);
    } else {
        out.chunks_mut(piece).zip(sums.chunks_mut(2 * d.max(1))).enumerate().for_each(differentiate);
    }
    let sums = sum_middle(partial, Cut { outer: 1, len: tasks, inner: 2 * d });
    let half = |k: usize| Tensor::from_slice([d], &sums.as_slice()[k * d..(k + 1) * d]);
    Ok(NormGradients { dx, dgamma: half(0)?, dbeta: half(1)? })
}

/// The length of a row, and the shape that holds one number for each.
fn rows_of<T: Element>(
    op: &'static str,
    shape: &Shape,
    affine: [Option<&Tensor<T>>; 2],
) -> Result<(usize, Shape)> {
    let Some((&d, rows)) = shape.dims().split_last() else {
        let why = "has no axis to normalise over".to_string();
        return Err(Error::Unfit { op, shape: *shape, why });
    };
    if d == 0 {
        return Err(Error::Unfit { op, shape: *shape, why: "has empty rows".to_string() });
    }
    for row in affine.into_iter().flatten() {
        if row.dims() != [d] {
            let why = "scale and shift must have one number for each place of a row";
            return Err(Error::Mismatch { op, left: *shape, right: *row.shape(), why });
        }
    }
    Ok((d, Shape::new(rows)?))
}

fn write_row<T: Element>(y: &mut [T], x: &[T], mean: T, rstd: T, gamma: Option<&[T]>, beta: Option<&[T]>) {
    vectorized(
        #[inline(always)]
        || {
            for (y, &x) in y.iter_mut().zip(x) {
                *y = (x - mean) * rstd;
            }
            if let Some(gamma) = gamma {
                for (y, &g) in y.iter_mut().zip(gamma) {
                    *y *= g;
                }
            }
            if let Some(beta) = beta {
                for (y, &b) in y.iter_mut().zip(beta) {
                    *y += b;
                }
            }
        },
    );
}

pub(super) fn differentiate_row<T: Element>(
    dy: &mut [T],
    dgamma: &mut [T],
    dbeta: &mut [T],
    x: &[T],
    mean: T,
    rstd: T,
    gamma: Option<&[T]>,
) {
    vectorized(
        #[inline(always)]
        || {
            let d = x.len();
            let (dgamma, dbeta, dy) = (&mut dgamma[..d], &mut dbeta[..d], &mut dy[..d]);
            for i in 0..d {
                dgamma[i] = dy[i].mul_add((x[i] - mean) * rstd, dgamma[i]);
                dbeta[i] += dy[i];
            }
            if let Some(gamma) = gamma {
                for (dy, &g) in dy.iter_mut().zip(gamma) {
                    *dy *= g;
                }
            }
            let [sum, product] = reduction::sums_of_pairs(
                dy,
                x,
                #[inline(always)]
                |[sum, product], dz, x| [sum + dz, dz.mul_add((x - mean) * rstd, product)],
            );
            let (a, b) = (T::from_f64(sum / d as f64), T::from_f64(product / d as f64));
            for i in 0..d {
                dy[i] = rstd * (-b).mul_add((x[i] - mean) * rstd, dy[i] - a);
            }
        },
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::{assert_close, assert_gradient, assert_same_on_all_thread_counts, values};

    const CASES: [&[usize]; 5] = [&[3], &[1, 7], &[5, 3, 11], &[131, 67], &[2, 2, 513]];

    fn oracle(x: &Tensor<f64>, gamma: &[f64], beta: &[f64]) -> Vec<f64> {
        let d = gamma.len();
        let mut y = Vec::new();
        for row in x.as_slice().chunks(d) {
            let mean = row.iter().sum::<f64>() / d as f64;
            let variance = row.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / d as f64;
            y.extend((0..d).map(|i| (row[i] - mean) / (variance + 1e-3).sqrt() * gamma[i] + beta[i]));
        }
        y
    }

    #[test]
    fn rows_are_normalised_and_gradients_follow() {
        for dims in CASES {
            let (shape, d) = (Shape::new(dims).unwrap(), dims[dims.len() - 1]);
            let (x, gamma, beta) = (values(shape, 1), values([d], 2), values([d], 3));
            let expected = oracle(&x, gamma.as_slice(), beta.as_slice());
            let f = |x: &Tensor<f64>, gamma: &Tensor<f64>, beta: &Tensor<f64>| {
                layer_norm(x, Some(gamma), Some(beta), 1e-3).unwrap()
            };
            let (y, stats) = f(&x, &gamma, &beta);
            assert_close(y.as_slice(), &expected, 1e-12);
            let (x32, gamma32, beta32) = (x.cast::<f32>(), gamma.cast(), beta.cast());
            let (y, _) = layer_norm(&x32, Some(&gamma32), Some(&beta32), 1e-3).unwrap();
            assert_close(y.as_slice(), &expected, 1e-5);

            let dy = values(shape, 4);
            let g = layer_norm_backward(&x, Some(&gamma), &stats, dy.clone()).unwrap();
            assert_gradient(&x, &dy, &g.dx, |x| f(x, &gamma, &beta).0);
            assert_gradient(&gamma, &dy, &g.dgamma, |gamma| f(&x, gamma, &beta).0);
            assert_gradient(&beta, &dy, &g.dbeta, |beta| f(&x, &gamma, beta).0);
            let (_, stats) = layer_norm(&x, None, None, 1e-3).unwrap();
            let g = layer_norm_backward(&x, None, &stats, dy.clone()).unwrap();
            assert_gradient(&x, &dy, &g.dx, |x| layer_norm(x, None, None, 1e-3).unwrap().0);
        }
    }

    #[test]
    fn bits_do_not_depend_on_threads() {
        let (x, dy) = (values::<f32>([301, 129], 1), values::<f32>([301, 129], 2));
        assert_same_on_all_thread_counts(|| {
            let (y, stats) = layer_norm(&x, None, None, 1e-5).unwrap();
            let g = layer_norm_backward(&x, None, &stats, dy.clone()).unwrap();
            [&y, &g.dx, &g.dgamma, &g.dbeta].map(|t| t.as_slice().to_vec())
        });
    }

    #[test]
    fn misuse_is_named() {
        let x = values::<f32>([2, 3], 1);
        assert!(layer_norm(&x, Some(&values([2], 1)), None, 1e-5).is_err());
        assert!(layer_norm(&Tensor::<f32>::zeros([2, 0]), None, None, 1e-5).is_err());
    }
}
