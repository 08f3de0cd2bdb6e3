//! Products of matrices and of batches of matrices.

use crate::rehearsal;
use crate::simd::MatRef;
use crate::{Accumulate, Element, Error, Precision, Result, Shape, Tensor};
use rayon::prelude::*;

const OP: &str = "matmul";

/// The product of a [..batch, m, k] and b [..batch, k, n]: [..batch, m, n].
///
/// An operand that is said to be transposed is stored with its last two axes exchanged, [.., k, m] or [.., n, k], and is read as it
/// is. An operand with two axes is shared by all of the other's batch. For k = 0 the product is zero.
///
/// ```
/// use tweedie_tensor::{Tensor, ops::matmul};
/// let a = Tensor::from_slice([2, 3], &[1.0f32, 2.0, 3.0, 4.0, 5.0, 6.0])?;
/// let gram = matmul(&a, false, &a, true)?;
/// assert_eq!(gram.as_slice(), [14.0, 32.0, 32.0, 77.0]);
/// # Ok::<(), tweedie_tensor::Error>(())
/// ```
///
/// # Errors
/// When an operand has fewer than two axes, when the lengths of k differ, or the batches.
pub fn matmul<T: Element>(
    a: &Tensor<T>,
    a_transposed: bool,
    b: &Tensor<T>,
    b_transposed: bool,
) -> Result<Tensor<T>> {
    matmul_with(Precision::F32, a, a_transposed, b, b_transposed)
}

/// [`matmul`] of operands as `precision` takes them.
///
/// # Errors
/// As [`matmul`].
pub fn matmul_with<T: Element>(
    precision: Precision,
    a: &Tensor<T>,
    a_transposed: bool,
    b: &Tensor<T>,
    b_transposed: bool,
) -> Result<Tensor<T>> {
    let lengths = Lengths::of(a.shape(), a_transposed, b.shape(), b_transposed)?;
    let mut out = Tensor::scratch(lengths.out);
    lengths.run(precision, a, b, &mut out, Accumulate::Overwrite);
    Ok(out)
}

/// [`matmul`] into an existing tensor [..batch, m, n], replacing what it holds or adding to it.
///
/// # Errors
/// As [`matmul`]; and when `out` has another shape.
pub fn matmul_into<T: Element>(
    a: &Tensor<T>,
    a_transposed: bool,
    b: &Tensor<T>,
    b_transposed: bool,
    out: &mut Tensor<T>,
    how: Accumulate,
) -> Result<()> {
    matmul_into_with(Precision::F32, a, a_transposed, b, b_transposed, out, how)
}

/// [`matmul_into`] of operands as `precision` takes them.
///
/// # Errors
/// As [`matmul_into`].
pub fn matmul_into_with<T: Element>(
    precision: Precision,
    a: &Tensor<T>,
    a_transposed: bool,
    b: &Tensor<T>,
    b_transposed: bool,
    out: &mut Tensor<T>,
    how: Accumulate,
) -> Result<()> {
    let lengths = Lengths::of(a.shape(), a_transposed, b.shape(), b_transposed)?;
    if *out.shape() != lengths.out {
        let why = "the output has the product's shape";
        return Err(Error::Mismatch { op: OP, left: *out.shape(), right: lengths.out, why });
    }
    lengths.run(precision, a, b, out, how);
    Ok(())
}

/// The lengths of a product whose operands fit.
struct Lengths {
    batch: usize,
    m: usize,
    n: usize,
    k: usize,
    a_transposed: bool,
    b_transposed: bool,
    /// Whether the whole batch shares an operand.
    a_shared: bool,
    b_shared: bool,
    out: Shape,
}

impl Lengths {
    fn of(a: &Shape, a_transposed: bool, b: &Shape, b_transposed: bool) -> Result<Lengths> {
        let (a_batch, [m, k]) = split(a, a_transposed)?;
        let (b_batch, [k_of_b, n]) = split(b, b_transposed)?;
        let refuse = |why| Err(Error::Mismatch { op: OP, left: *a, right: *b, why });
        if k != k_of_b {
            return refuse("the inner axes must be equal");
        }
        let (a_shared, b_shared) = (a_batch.is_empty(), b_batch.is_empty());
        if a_batch != b_batch && !a_shared && !b_shared {
            return refuse("the batches must be equal, or an operand must have two axes");
        }
        let batch = if a_shared { b_batch } else { a_batch };
        let out = Shape::new(&[batch, &[m, n]].concat())?;
        let mut lengths = Lengths {
            batch: batch.iter().product(),
            m,
            n,
            k,
            a_transposed,
            b_transposed,
            a_shared,
            b_shared,
            out,
        };
        if b_shared && !a_transposed {
            // The whole batch is one tall matrix, whose rows are those of all matrices.
            lengths.m *= lengths.batch;
            lengths.batch = 1;
        }
        Ok(lengths)
    }

    fn run<T: Element>(
        &self,
        precision: Precision,
        a: &Tensor<T>,
        b: &Tensor<T>,
        out: &mut Tensor<T>,
        how: Accumulate,
    ) {
        /// From this many multiply-adds on, the threads share one product instead of the batch.
        const LARGE: usize = 1 << 26;
        /// Up to this many multiply-adds, handing work to another thread takes longer than doing it.
        const SMALL: usize = 1 << 19;
        let Lengths { batch, m, n, k, .. } = *self;
        if rehearsal::notes(2.0 * (batch * m) as f64 * n as f64 * k as f64, Vec::new) {
            return;
        }
        let (a, b, out) = (a.as_slice(), b.as_slice(), out.as_mut_slice());
        if out.is_empty() {
            return;
        }
        let operands = |i: usize| {
            let a = if self.a_shared { a } else { &a[i * m * k..][..m * k] };
            let b = if self.b_shared { b } else { &b[i * k * n..][..k * n] };
            (oriented(a, m, k, self.a_transposed), oriented(b, k, n, self.b_transposed))
        };
        let work = m * n * k;
        if batch == 1 || work >= LARGE {
            for (i, out) in out.chunks_exact_mut(m * n).enumerate() {
                let (a, b) = operands(i);
                T::par_gemm(precision, a, b, out, n, how);
            }
            return;
        }
        let one = |(i, out): (usize, &mut [T])| {
            let (a, b) = operands(i);
            T::gemm(precision, a, b, out, n, how);
        };
        if work.saturating_mul(batch) <= SMALL {
            out.chunks_exact_mut(m * n).enumerate().for_each(one);
        } else {
            let together = (SMALL / work.max(1)).max(1);
            out.par_chunks_exact_mut(m * n).enumerate().with_min_len(together).for_each(one);
        }
    }
}

/// The batch axes, and the rows and columns of the matrices as they are multiplied.
fn split(shape: &Shape, transposed: bool) -> Result<(&[usize], [usize; 2])> {
    match shape.dims() {
        [batch @ .., rows, cols] if transposed => Ok((batch, [*cols, *rows])),
        [batch @ .., rows, cols] => Ok((batch, [*rows, *cols])),
        _ => Err(Error::Unfit { op: OP, shape: *shape, why: "must have at least two axes".into() }),
    }
}

pub(super) fn oriented<T>(data: &[T], rows: usize, cols: usize, transposed: bool) -> MatRef<'_, T> {
    if transposed {
        MatRef::row_major(data, cols, rows).transposed()
    } else {
        MatRef::row_major(data, rows, cols)
    }
}

#[cfg(test)]
mod tests;
