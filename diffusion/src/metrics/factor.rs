//! What the Fréchet distance needs of linear algebra: a factor of a covariance, and a sum of singular values.

use crate::Result;
use tweedie_tensor::{Tensor, ops};

/// R \[r, d\] with Rᵀ R = S, for S \[d, d\] symmetric without negative eigenvalues: Cholesky's factor with complete
/// pivoting, its columns left in their places. It ends at the rank r, where what remains of the diagonal is rounding
/// (Higham 2002, section 10.3).
pub(super) fn factor(s: &Tensor<f64>, d: usize) -> Result<Tensor<f64>> {
    let s = s.as_slice();
    let mut left: Vec<f64> = (0..d).map(|i| s[i * d + i]).collect();
    let rounding = d as f64 * f64::EPSILON * left.iter().copied().fold(0.0, f64::max);
    let mut factor: Vec<f64> = Vec::new();
    let mut rank = 0;
    while rank < d {
        let Some((pivot, most)) = left.iter().copied().enumerate().max_by(|a, b| a.1.total_cmp(&b.1)) else {
            break;
        };
        if most <= rounding {
            break;
        }
        let mut row = s[pivot * d..][..d].to_vec();
        for known in factor.chunks_exact(d) {
            let share = known[pivot];
            row.iter_mut().zip(known).for_each(|(x, known)| *x -= share * known);
        }
        let root = most.sqrt();
        row.iter_mut().for_each(|x| *x /= root);
        left.iter_mut().zip(&row).for_each(|(left, x)| *left -= x * x);
        left[pivot] = 0.0;
        factor.extend(row);
        rank += 1;
    }
    Ok(Tensor::from_slice([rank, d], &factor)?)
}

/// Σ σ_i(A Bᵀ), the sum of the singular values of the product of A \[m, d\] and B \[n, d\].
///
/// The rows of the product are rotated in pairs until all are orthogonal: then their lengths are the singular values,
/// the small ones as exact as the large ones (Hestenes 1958; Demmel, Veselić 1992).
pub(super) fn nuclear_norm_of_product(a: &Tensor<f64>, b: &Tensor<f64>) -> Result<f64> {
    // Of the product and its transpose, the one with fewer rows.
    let (few, many) = if a.dims()[0] <= b.dims()[0] { (a, b) } else { (b, a) };
    let columns = many.dims()[0];
    if few.dims()[0] == 0 {
        return Ok(0.0);
    }
    let product = ops::matmul(few, false, many, true)?;
    let mut rows: Vec<Vec<f64>> = product.as_slice().chunks_exact(columns).map(<[f64]>::to_vec).collect();
    // Convergence is quadratic after a few sweeps; ten do for any matrix that fits in memory.
    const SWEEPS: usize = 40;
    for _ in 0..SWEEPS {
        let mut rotated = false;
        for last in 1..rows.len() {
            let (before, from) = rows.split_at_mut(last);
            for row in before {
                rotated |= rotate(row, &mut from[0]);
            }
        }
        if !rotated {
            break;
        }
    }
    Ok(rows.iter().map(|row| dot(row, row).sqrt()).sum())
}

/// Turns two rows in their plane so that they are orthogonal; returns whether they were not.
fn rotate(x: &mut [f64], y: &mut [f64]) -> bool {
    let (xx, yy, xy) = (dot(x, x), dot(y, y), dot(x, y));
    // Below this, the angle is the rounding of the products themselves.
    if xy.abs() <= x.len() as f64 * f64::EPSILON * (xx * yy).sqrt() {
        return false;
    }
    // The smaller root t of t² + 2 ζ t − 1 = 0: the tangent of the smaller angle.
    let zeta = (yy - xx) / (2.0 * xy);
    let tangent = zeta.signum() / (zeta.abs() + zeta.hypot(1.0));
    let cosine = 1.0 / tangent.hypot(1.0);
    let sine = cosine * tangent;
    for (x, y) in x.iter_mut().zip(y) {
        (*x, *y) = (cosine * *x - sine * *y, sine * *x + cosine * *y);
    }
    true
}

/// Σ x y, in eight lanes, so that the compiler may use vectors.
fn dot(x: &[f64], y: &[f64]) -> f64 {
    let ((xs, x_rest), (ys, y_rest)) = (x.as_chunks::<8>(), y.as_chunks::<8>());
    let mut lanes = [0.0; 8];
    for (x, y) in xs.iter().zip(ys) {
        for lane in 0..8 {
            lanes[lane] += x[lane] * y[lane];
        }
    }
    lanes.iter().sum::<f64>() + x_rest.iter().zip(y_rest).map(|(x, y)| x * y).sum::<f64>()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use tweedie_tensor::random::{self, Purpose};

    fn normals(rows: usize, columns: usize, seed: u64) -> Tensor<f64> {
        random::normal([rows, columns], seed, Purpose::TEST, 0, 0)
    }

    /// Rows that are orthonormal, by Gram and Schmidt, twice over.
    fn orthonormal(rows: usize, columns: usize, seed: u64) -> Tensor<f64> {
        let mut q = normals(rows, columns, seed);
        for i in 0..2 * rows {
            let (before, from) = q.as_mut_slice().split_at_mut(i % rows * columns);
            let row = &mut from[..columns];
            for known in before.chunks_exact(columns) {
                let share = dot(row, known);
                row.iter_mut().zip(known).for_each(|(x, known)| *x -= share * known);
            }
            let length = dot(row, row).sqrt();
            row.iter_mut().for_each(|x| *x /= length);
        }
        q
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..Default::default() })]

        /// Of any rank, to rounding of the largest number; for ranks below d the tail is left out at d ε of it.
        #[test]
        fn the_factor_gives_the_matrix_back(rank in 0usize..8, d in 1usize..24, seed: u64) {
            let x = normals(rank, d, seed);
            let s = ops::matmul(&x, true, &x, false).unwrap();
            let r = factor(&s, d).unwrap();
            prop_assert_eq!(r.dims()[0], rank.min(d));
            let again = ops::matmul(&r, true, &r, false).unwrap();
            let size = s.as_slice().iter().fold(0.0f64, |m, x| m.max(x.abs()));
            for (again, s) in again.as_slice().iter().zip(s.as_slice()) {
                prop_assert!((again - s).abs() <= 1e-13 * size, "{again} is not {s}");
            }
        }

        /// A = U Σ Vᵀ with chosen Σ over nine orders of magnitude: the sum of the small ones alone is right too.
        #[test]
        fn singular_values_that_were_put_in_come_out(r in 1usize..7, extra in 0usize..6, seed: u64, small: bool) {
            let (u, v) = (orthonormal(r, r + extra, seed), orthonormal(r, r, !seed));
            let scale = if small { 1e-9 } else { 1.0 };
            let sigma: Vec<f64> = (0..r).map(|i| if i == 0 { 1.0 } else { scale * (1.0 + i as f64) }).collect();
            let mut stretched = v;
            for (row, sigma) in stretched.as_mut_slice().chunks_exact_mut(r).zip(&sigma) {
                row.iter_mut().for_each(|x| *x *= sigma);
            }
            // [r, r] · [r, r + extra]: (Σ V)ᵀ U.
            let (a, b) = (ops::transpose_last(&stretched).unwrap(), ops::transpose_last(&u).unwrap());
            for norm in [nuclear_norm_of_product(&a, &b).unwrap(), nuclear_norm_of_product(&b, &a).unwrap()] {
                let expected: f64 = sigma.iter().sum();
                prop_assert!((norm - expected).abs() <= 1e-13 * expected, "{norm} is not {expected}");
            }
        }
    }

    #[test]
    fn nothing_has_no_length() {
        assert_eq!(factor(&Tensor::zeros([3, 3]), 3).unwrap().dims(), [0, 3]);
        let (none, some) = (Tensor::zeros([0, 3]), normals(2, 3, 0));
        assert_eq!(nuclear_norm_of_product(&none, &some).unwrap(), 0.0);
        assert_eq!(nuclear_norm_of_product(&some, &none).unwrap(), 0.0);
        assert_eq!(nuclear_norm_of_product(&some, &Tensor::zeros([4, 3])).unwrap(), 0.0);
    }
}
