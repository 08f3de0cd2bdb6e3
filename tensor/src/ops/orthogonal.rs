use super::total::sum_squares;
use crate::Precision::F32;
use crate::rehearsal;
use crate::simd::{MatRef, vectorized};
use crate::{Accumulate, Buffer, Element, Error, Result, Tensor};
use rayon::prelude::*;

/// The coefficients of an odd polynomial of degree five, a x + b x³ + c x⁵, which maps (0, 1] near 1 when it is applied
/// [`ITERATIONS`] times: the largest slope at 0 for which the values stay within 0.7 and 1.2 (Jordan et al. 2024, "Muon: an optimizer
/// for hidden layers in neural networks").
const POLYNOMIAL: [f64; 3] = [3.4445, -4.7750, 2.0315];
const ITERATIONS: usize = 5;
/// Added to norms, so that rounding errors of a gradient of zero are not made large.
const LEAST_NORM: f64 = 1e-7;

/// An approximation of the orthogonal factor U Vᵀ of each matrix G = U S Vᵀ: its singular values lie between 0.7 and 1.2, except for
/// those that are small beside the norm of G. In G's own memory if no other tensor shares it. The threads share the list, as a matrix
/// of a network is too small for all of them.
///
/// Each is \[m, n\], or \[m, …\] with all axes after the first taken as one. X ← G / (‖G‖ + 10⁻⁷), then five times X ← a X + (b A + c A²) X with
/// A = X Xᵀ: an iteration of Newton and Schulz, of products alone (Jordan et al. 2024). A matrix of zeros stays zero, and one whose norm
/// is far below 10⁻⁷ stays near zero: there is nothing in it but rounding.
///
/// # Errors
/// [`Error::Unfit`] when one has fewer than two axes. Nothing is changed then.
pub fn orthogonalise<T: Element>(matrices: &mut [Tensor<T>]) -> Result<()> {
    if let Some(unfit) = matrices.iter().find(|g| g.rank() < 2) {
        let why = "must have two axes".to_string();
        return Err(Error::Unfit { op: "orthogonalise", shape: *unfit.shape(), why });
    }
    let sides = |g: &Tensor<T>| {
        let [m, n] = sides_of(g);
        [m.min(n), m.max(n)]
    };
    let flops = matrices.iter().map(sides).map(|[short, long]| {
        let [short, long] = [short as f64, long as f64];
        ITERATIONS as f64 * (4.0 * short * short * long + 2.0 * short * short * short)
    });
    let buffers = || {
        let at_once = rayon::current_num_threads().min(matrices.len());
        let most = matrices.iter().map(sides).map(|[short, long]| short * (long + 2 * short)).max();
        vec![most.unwrap_or(0) * size_of::<T>(); at_once]
    };
    if !rehearsal::notes(flops.sum(), buffers) {
        matrices.par_iter_mut().for_each(iterate);
    }
    Ok(())
}

fn iterate<T: Element>(g: &mut Tensor<T>) {
    let [m, n] = sides_of(g);
    let norm = sum_squares(g).sqrt();
    // The smaller of X Xᵀ and Xᵀ X: with that on the other side, the iteration is the same.
    let (small, tall) = (m.min(n), m > n);
    let numbers = g.as_mut_slice();
    scale(numbers, T::from_f64(1.0 / (norm + LEAST_NORM)));
    let mut gram = Buffer::<T>::scratch(small * small);
    let mut factor = Buffer::<T>::scratch(small * small);
    let mut next = Buffer::<T>::scratch(m * n);
    for _ in 0..ITERATIONS {
        let x = MatRef::row_major(&*numbers, m, n);
        let (left, right) = if tall { (x.transposed(), x) } else { (x, x.transposed()) };
        T::gemm(F32, left, right, &mut gram, small, Accumulate::Overwrite);
        let a = MatRef::row_major(&gram, small, small);
        T::gemm(F32, a, a, &mut factor, small, Accumulate::Overwrite);
        polynomial(&mut factor, &gram, small);
        let factor = MatRef::row_major(&factor, small, small);
        let (left, right) = if tall { (x, factor) } else { (factor, x) };
        T::gemm(F32, left, right, &mut next, n, Accumulate::Overwrite);
        numbers.copy_from_slice(&next);
    }
}

/// Rows, and columns with all axes after the first taken as one.
fn sides_of<T: Element>(g: &Tensor<T>) -> [usize; 2] {
    let m = g.dims()[0];
    [m, g.numel() / m.max(1)]
}

fn scale<T: Element>(x: &mut [T], by: T) {
    vectorized(
        #[inline(always)]
        || x.iter_mut().for_each(|x| *x *= by),
    );
}

/// `square` ← a I + b A + c `square`, where `square` is A².
fn polynomial<T: Element>(square: &mut [T], gram: &[T], side: usize) {
    let [a, b, c] = POLYNOMIAL.map(T::from_f64);
    vectorized(
        #[inline(always)]
        || {
            for (square, &gram) in square.iter_mut().zip(gram) {
                *square = gram.mul_add(b, *square * c);
            }
        },
    );
    square.iter_mut().step_by(side + 1).for_each(|diagonal| *diagonal += a);
}

#[cfg(test)]
mod tests {
    use super::super::matmul;
    use super::*;
    use crate::check::{assert_same_on_all_thread_counts, values};

    fn orthogonalised<T: Element>(g: Tensor<T>) -> Tensor<T> {
        let mut only = [g];
        orthogonalise(&mut only).unwrap();
        let [only] = only;
        only
    }

    /// U Vᵀ of a matrix of full rank, by Newton's iteration on its Gram matrix's inverse root, in f64.
    fn polar(g: &Tensor<f64>) -> Tensor<f64> {
        // X ← ½ X (3 I − Xᵀ X) converges to the orthogonal factor from any X with singular values below √3.
        let norm = sum_squares(g).sqrt();
        let mut x = Tensor::from_fn(*g.shape(), |i| g.as_slice()[i] / norm);
        for _ in 0..200 {
            let gram = matmul(&x, true, &x, false).unwrap();
            let n = gram.dims()[0];
            let step = Tensor::from_fn([n, n], |i| {
                let one = if i % n == i / n { 3.0 } else { 0.0 };
                0.5 * (one - gram.as_slice()[i])
            });
            x = matmul(&x, false, &step, false).unwrap();
        }
        x
    }

    #[test]
    fn the_orthogonal_factor_nearly() {
        for [m, n] in [[3, 3], [40, 12], [12, 40], [1, 7], [64, 64]] {
            let g = values::<f64>([m, n], 1);
            let near = orthogonalised(g.clone());
            let exact = if m >= n { polar(&g) } else { transposed(&polar(&transposed(&g))) };
            // ⟨near, exact⟩ = Σ of the singular values, and ‖near‖² = Σ of their squares.
            let rank = m.min(n) as f64;
            let along: f64 =
                near.as_slice().iter().zip(exact.as_slice()).map(|(a, b)| a * b).sum::<f64>() / rank;
            let spread = sum_squares(&near) / rank - along * along;
            assert!((0.6..1.25).contains(&along), "{m} × {n}: {along}");
            assert!(spread < 0.08, "{m} × {n}: {spread}");
            let single = orthogonalised(g.cast::<f32>());
            for (a, b) in single.as_slice().iter().zip(near.as_slice()) {
                assert!((f64::from(*a) - b).abs() < 1e-3);
            }
        }
    }

    fn transposed(x: &Tensor<f64>) -> Tensor<f64> {
        crate::ops::permute(x, &[1, 0]).unwrap()
    }

    #[test]
    fn a_scale_changes_nothing_and_zeros_stay() {
        let g = values::<f32>([5, 2, 3], 1);
        let twice = Tensor::from_fn(*g.shape(), |i| 4.0 * g.as_slice()[i]);
        let near = orthogonalised(g);
        assert_eq!(near.dims(), [5, 2, 3]);
        for (a, b) in near.as_slice().iter().zip(orthogonalised(twice).as_slice()) {
            assert!((a - b).abs() < 1e-5);
        }
        assert_eq!(orthogonalised(Tensor::<f32>::zeros([2, 3])).as_slice(), [0.0; 6]);
        assert!(
            orthogonalised(Tensor::<f32>::full([20, 30], 1e-44)).as_slice().iter().all(|x| x.abs() < 1e-30)
        );
        assert!(orthogonalise(&mut [Tensor::<f32>::zeros([3])]).is_err());
    }

    #[test]
    fn bits_do_not_depend_on_threads() {
        let all = [values::<f32>([70, 33], 1), values([33, 2, 40], 2), values([16, 16], 3)];
        assert_same_on_all_thread_counts(|| {
            let mut all = all.clone();
            orthogonalise(&mut all).unwrap();
            all.map(|x| x.as_slice().to_vec())
        });
    }
}
