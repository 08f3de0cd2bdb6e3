mod head;
mod tokens;

use self::head::{Head, block_of, from_block, rows_of};
use super::pieces::{for_pieces_of_three, worth_splitting};
use crate::Precision::F32;
use crate::rehearsal;
use crate::simd::{MatRef, vectorized};
use crate::{Accumulate, Buffer, Element, Error, Result, Shape, Tensor};
use rayon::prelude::*;

pub use tokens::{token_attention, token_attention_backward};

/// Scaled dot-product attention (Vaswani et al. 2017, eq. 1), channels first.
///
/// `q` is `[b, d, s]`, `k` is `[b, d, r]`, `v` is `[b, e, r]`, where b counts samples × heads, s queries, and r keys and
/// values; the output is `[b, e, s]`, out = v softmax(scale · kᵀ q) with the softmax over r. The second result, `[b, s]`,
/// is ln Σ_r e^(scale · k·q), from which the backward pass recomputes the probabilities: no s × r matrix is kept.
///
/// # Errors
/// [`Error::Unfit`] when an operand does not have three axes, or an empty one; [`Error::Mismatch`] when they do not
/// agree in b, d or r.
pub fn attention<T: Element>(
    q: &Tensor<T>,
    k: &Tensor<T>,
    v: &Tensor<T>,
    scale: f64,
) -> Result<(Tensor<T>, Tensor<T>)> {
    let sizes = Sizes::new("attention", q, k, v)?;
    let Sizes { b, e, s, .. } = sizes;
    let scale = T::from_f64(scale);
    let mut out = Tensor::scratch([b, e, s]);
    let mut lse = Tensor::scratch([b, s]);
    if rehearsal::notes(sizes.flops(1, 1), || sizes.buffers::<T>(1)) {
        return Ok((out, lse));
    }
    let one = |(item, (out, lse)): (usize, (&mut [T], &mut [T]))| {
        let head = sizes.head(item, [q, k, v]);
        head.attend(scale, lse, |start, p| {
            T::gemm(F32, head.v.transposed(), p.transposed(), &mut out[start..], s, Accumulate::Overwrite);
        });
    };
    let (outs, lses) = (out.as_mut_slice(), lse.as_mut_slice());
    if worth_splitting(sizes.work()) {
        outs.par_chunks_mut(e * s).zip(lses.par_chunks_mut(s)).enumerate().for_each(one);
    } else {
        outs.chunks_mut(e * s).zip(lses.chunks_mut(s)).enumerate().for_each(one);
    }
    Ok((out, lse))
}

/// The gradients of [`attention`] with respect to q, k and v, from its operands, its two results, and `dout`.
///
/// With p the probabilities, dp = doutᵀ v and δ = Σ_r p dp = Σ_e dout · out: ds = scale · p (dp − δ), dq = k dsᵀ,
/// dk = q ds, dv = dout p (Dao et al. 2022, appendix B.2).
///
/// # Errors
/// As [`attention`], and [`Error::Mismatch`] when `out`, `lse` or `dout` do not have the shapes of its results.
pub fn attention_backward<T: Element>(
    q: &Tensor<T>,
    k: &Tensor<T>,
    v: &Tensor<T>,
    out: &Tensor<T>,
    lse: &Tensor<T>,
    scale: f64,
    dout: &Tensor<T>,
) -> Result<(Tensor<T>, Tensor<T>, Tensor<T>)> {
    const OP: &str = "attention_backward";
    let sizes = Sizes::new(OP, q, k, v)?;
    let Sizes { b, d, e, s, r } = sizes;
    for (found, expected) in [(out, Shape::from([b, e, s])), (dout, [b, e, s].into()), (lse, [b, s].into())] {
        if *found.shape() != expected {
            let why = "results and gradient must have the shapes that the operands give";
            return Err(Error::Mismatch { op: OP, left: *found.shape(), right: expected, why });
        }
    }
    let scale = T::from_f64(scale);
    let mut gradients = [q, k, v].map(|x| Tensor::scratch(*x.shape()));
    if rehearsal::notes(sizes.flops(3, 2), || sizes.buffers::<T>(2)) {
        let [dq, dk, dv] = gradients;
        return Ok((dq, dk, dv));
    }
    let outputs = gradients.each_mut().map(Tensor::as_mut_slice);
    for_pieces_of_three(outputs, [d * s, d * r, e * r], sizes.work(), |item, [dq, dk, dv]| {
        let head = sizes.head(item, [q, k, v]);
        let [out, dout] = [out, dout].map(|x| &x.as_slice()[item * e * s..][..e * s]);
        let lse = &lse.as_slice()[item * s..][..s];
        let delta = column_products(out, dout, s);
        let dout = MatRef::row_major(dout, e, s).transposed();
        head.differentiate(scale, [lse, &delta], dout, |start, p, ds| {
            let (q, dout) = (rows_of(head.q, start, p.rows), rows_of(dout, start, p.rows));
            let how = from_block(start);
            T::gemm(F32, head.k.transposed(), ds.transposed(), &mut dq[start..], s, Accumulate::Overwrite);
            T::gemm(F32, q.transposed(), ds, dk, r, how);
            T::gemm(F32, dout.transposed(), p, dv, r, how);
        });
    });
    let [dq, dk, dv] = gradients;
    Ok((dq, dk, dv))
}

#[derive(Clone, Copy)]
struct Sizes {
    /// Samples × heads.
    b: usize,
    /// Channels of queries and keys.
    d: usize,
    /// Channels of values.
    e: usize,
    /// Queries.
    s: usize,
    /// Keys and values.
    r: usize,
}

impl Sizes {
    fn new<T: Element>(op: &'static str, q: &Tensor<T>, k: &Tensor<T>, v: &Tensor<T>) -> Result<Sizes> {
        let axes = |x: &Tensor<T>| x.shape().exactly(op, "must have three axes: heads, channels, positions");
        let ([b, d, s], [kb, kd, r], [vb, e, vr]) = (axes(q)?, axes(k)?, axes(v)?);
        let mismatch = |left: &Tensor<T>, right: &Tensor<T>, why: &'static str| {
            Err(Error::Mismatch { op, left: *left.shape(), right: *right.shape(), why })
        };
        if b != kb || d != kd {
            return mismatch(q, k, "queries and keys must agree in heads and channels");
        }
        if b != vb || r != vr {
            return mismatch(k, v, "keys and values must agree in heads and positions");
        }
        if let Some(empty) = [q, k, v].into_iter().find(|x| x.dims()[1..].contains(&0)) {
            let why = "has no channels or no positions".to_string();
            return Err(Error::Unfit { op, shape: *empty.shape(), why });
        }
        Ok(Sizes { b, d, e, s, r })
    }

    /// Multiplications and additions of so many products over the channels of keys, and so many over those of values.
    fn flops(&self, of_keys: usize, of_values: usize) -> f64 {
        2.0 * (self.b * self.s) as f64 * self.r as f64 * (of_keys * self.d + of_values * self.e) as f64
    }

    /// The bytes of each buffer, if every thread holds `blocks` blocks of scores.
    fn buffers<T>(&self, blocks: usize) -> Vec<usize> {
        vec![
            block_of(self.s, self.r) * self.r * size_of::<T>();
            rayon::current_num_threads().min(self.b) * blocks
        ]
    }

    fn work(&self) -> usize {
        self.b * self.s * self.r * self.d.max(self.e)
    }

    /// One head, of operands that have its channels first.
    fn head<'a, T: Element>(&self, item: usize, [q, k, v]: [&'a Tensor<T>; 3]) -> Head<'a, T> {
        let matrix = |x: &'a Tensor<T>, channels: usize, positions: usize| {
            let size = channels * positions;
            MatRef::row_major(&x.as_slice()[item * size..][..size], channels, positions).transposed()
        };
        Head { q: matrix(q, self.d, self.s), k: matrix(k, self.d, self.r), v: matrix(v, self.e, self.r) }
    }
}

/// Σ a · b over rows, for each of the `cols` columns of two matrices.
fn column_products<T: Element>(a: &[T], b: &[T], cols: usize) -> Buffer<T> {
    let mut sums = Buffer::scratch(cols);
    sums.fill(T::ZERO);
    vectorized(
        #[inline(always)]
        || {
            for (a, b) in a.chunks_exact(cols).zip(b.chunks_exact(cols)) {
                for ((sum, &a), &b) in sums.iter_mut().zip(a).zip(b) {
                    *sum = a.mul_add(b, *sum);
                }
            }
        },
    );
    sums
}

#[cfg(test)]
mod tests;
