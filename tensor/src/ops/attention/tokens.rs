//! Self-attention of tokens, which reads queries, keys and values where one linear map has written them.

use super::head::{Head, block_of, from_block, rows_of};
use crate::Precision::F32;
use crate::ops::pieces::worth_splitting;
use crate::reduction;
use crate::rehearsal;
use crate::simd::{MatRef, vectorized};
use crate::{Accumulate, Buffer, Element, Error, Result, Shape, Tensor};
use rayon::prelude::*;

/// Scaled dot-product self-attention (Vaswani et al. 2017, eq. 1) of tokens.
///
/// `qkv` is `[n, s, 3 w]`: the queries of all heads of a token, its keys, its values, `w / heads` numbers for each head. The output is
/// `[n, s, w]`, for each head softmax(scale · q kᵀ) v with the softmax over keys. The second result, `[n, heads, s]`, is
/// ln Σ e^(scale · q·k) over keys, from which the backward pass recomputes the probabilities.
///
/// # Errors
/// [`Error::Unfit`] when `qkv` does not have three axes, or an empty one of tokens; [`Error::Parameter`] when the last one is not
/// three times a multiple of `heads`.
pub fn token_attention<T: Element>(
    qkv: &Tensor<T>,
    heads: usize,
    scale: f64,
) -> Result<(Tensor<T>, Tensor<T>)> {
    let sizes = Sizes::of("token_attention", qkv, heads)?;
    let Sizes { n, s, d, .. } = sizes;
    let mut out = Tensor::scratch([n, s, heads * d]);
    let mut lse = Tensor::scratch([n, heads, s]);
    if rehearsal::notes(sizes.flops(2), || sizes.buffers::<T>(1, 1)) {
        return Ok((out, lse));
    }
    let scale = T::from_f64(scale);
    let one = |(at, (mut out, lse)): (usize, (Vec<&mut [T]>, &mut [T]))| {
        let head = sizes.head(qkv, at);
        let mut block = Buffer::scratch(block_of(s, s) * d);
        head.attend(scale, lse, |start, p| {
            let block = &mut block[..p.rows * d];
            T::gemm(F32, p, head.v, block, d, Accumulate::Overwrite);
            store(block, d, out.iter_mut().skip(start));
        });
    };
    let heads = sizes.pieces(out.as_mut_slice(), 1);
    sizes.each(heads, lse.as_mut_slice(), one);
    Ok((out, lse))
}

/// The gradient of [`token_attention`] with respect to `qkv`, from `qkv`, the two results, and `dout`.
///
/// With p the probabilities, dp = dout vᵀ and δ = Σ dout · out over a head's numbers: ds = scale · p (dp − δ), dq = ds k, dk = dsᵀ q,
/// dv = pᵀ dout (Dao et al. 2022, appendix B.2).
///
/// # Errors
/// As [`token_attention`], and [`Error::Mismatch`] when `out`, `lse` or `dout` do not have the shapes of its results.
pub fn token_attention_backward<T: Element>(
    qkv: &Tensor<T>,
    out: &Tensor<T>,
    lse: &Tensor<T>,
    heads: usize,
    scale: f64,
    dout: &Tensor<T>,
) -> Result<Tensor<T>> {
    const OP: &str = "token_attention_backward";
    let sizes = Sizes::of(OP, qkv, heads)?;
    let Sizes { n, s, d, .. } = sizes;
    let tokens = Shape::from([n, s, heads * d]);
    for (found, expected) in [(out, tokens), (dout, tokens), (lse, [n, heads, s].into())] {
        if *found.shape() != expected {
            let why = "results and gradient must have the shapes that the operand gives";
            return Err(Error::Mismatch { op: OP, left: *found.shape(), right: expected, why });
        }
    }
    let mut dqkv = Tensor::scratch(*qkv.shape());
    let mut deltas = Tensor::scratch([n, heads, s]);
    if rehearsal::notes(sizes.flops(5), || sizes.buffers::<T>(2, 3)) {
        return Ok(dqkv);
    }
    let scale = T::from_f64(scale);
    let one = |(at, (mut pieces, delta)): (usize, (Vec<&mut [T]>, &mut [T]))| {
        let head = sizes.head(qkv, at);
        let [out, dout] = [out, dout].map(|x| sizes.matrix(x, at, 1, 0));
        inner_products(out, dout, delta);
        let lse = &lse.as_slice()[at * s..][..s];
        let [mut dq, mut dk, mut dv] = [0; 3].map(|_| Buffer::scratch(s * d));
        head.differentiate(scale, [lse, delta], dout, |start, p, ds| {
            let (q, dout) = (rows_of(head.q, start, p.rows), rows_of(dout, start, p.rows));
            let how = from_block(start);
            T::gemm(F32, ds, head.k, &mut dq[start * d..], d, Accumulate::Overwrite);
            T::gemm(F32, ds.transposed(), q, &mut dk, d, how);
            T::gemm(F32, p.transposed(), dout, &mut dv, d, how);
        });
        for (part, numbers) in [dq, dk, dv].iter().enumerate() {
            store(numbers, d, pieces.iter_mut().skip(part).step_by(3));
        }
    };
    let pieces = sizes.pieces(dqkv.as_mut_slice(), 3);
    sizes.each(pieces, deltas.as_mut_slice(), one);
    Ok(dqkv)
}

/// Writes rows of `d` numbers to pieces of memory.
fn store<'a, 'b: 'a, T: Element>(rows: &[T], d: usize, pieces: impl Iterator<Item = &'a mut &'b mut [T]>) {
    rows.chunks_exact(d).zip(pieces).for_each(|(row, piece)| piece.copy_from_slice(row));
}

/// Σ a · b over each row, in lanes of constant number.
fn inner_products<T: Element>(a: MatRef<'_, T>, b: MatRef<'_, T>, sums: &mut [T]) {
    const LANES: usize = 16;
    vectorized(
        #[inline(always)]
        || {
            for (i, sum) in sums.iter_mut().enumerate() {
                let [a, b] = [&a.data[i * a.row_stride..][..a.cols], &b.data[i * b.row_stride..][..b.cols]];
                let mut lanes = [T::ZERO; LANES];
                let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<LANES>(), b.as_chunks::<LANES>());
                for (a, b) in a.iter().zip(b) {
                    for lane in 0..LANES {
                        lanes[lane] = a[lane].mul_add(b[lane], lanes[lane]);
                    }
                }
                for ((lane, &a), &b) in lanes.iter_mut().zip(a_rest).zip(b_rest) {
                    *lane = a.mul_add(b, *lane);
                }
                *sum = reduction::fold(lanes);
            }
        },
    );
}

#[derive(Clone, Copy)]
struct Sizes {
    /// Samples.
    n: usize,
    /// Tokens.
    s: usize,
    heads: usize,
    /// Numbers of a head.
    d: usize,
}

impl Sizes {
    fn of<T: Element>(op: &'static str, qkv: &Tensor<T>, heads: usize) -> Result<Sizes> {
        let [n, s, width] = qkv.shape().exactly(op, "must have three axes: samples, tokens, numbers")?;
        if heads == 0 || width == 0 || !width.is_multiple_of(3 * heads) {
            let why = format!("queries, keys and values of {} cannot be cut into so many", qkv.shape());
            return Err(Error::Parameter { op, name: "heads", value: heads.to_string(), why });
        }
        if s == 0 {
            return Err(Error::Unfit { op, shape: *qkv.shape(), why: "has no tokens".to_string() });
        }
        Ok(Sizes { n, s, heads, d: width / (3 * heads) })
    }

    /// Multiplications and additions of so many products.
    fn flops(&self, products: usize) -> f64 {
        2.0 * (products * self.n * self.heads * self.s) as f64 * (self.s * self.d) as f64
    }

    /// The bytes of each buffer, if every thread holds `blocks` blocks of scores and `parts` matrices of a head.
    fn buffers<T>(&self, blocks: usize, parts: usize) -> Vec<usize> {
        let threads = rayon::current_num_threads().min(self.n * self.heads);
        let scores = vec![block_of(self.s, self.s) * self.s * size_of::<T>(); threads * blocks];
        let matrices = vec![self.s * self.d * size_of::<T>(); threads * parts];
        [scores, matrices].concat()
    }

    /// Queries, keys and values of head number `at`, counted over all samples.
    fn head<'a, T: Element>(&self, qkv: &'a Tensor<T>, at: usize) -> Head<'a, T> {
        let [q, k, v] = [0, 1, 2].map(|part| self.matrix(qkv, at, 3, part));
        Head { q, k, v }
    }

    /// The numbers of head number `at`, \[s × d\], in part number `part` of tokens that have `parts` parts.
    fn matrix<'a, T: Element>(
        &self,
        x: &'a Tensor<T>,
        at: usize,
        parts: usize,
        part: usize,
    ) -> MatRef<'a, T> {
        let Sizes { s, heads, d, .. } = *self;
        let (sample, head) = (at / heads, at % heads);
        let row = parts * heads * d;
        let data = &x.as_slice()[sample * s * row + (part * heads + head) * d..];
        MatRef { data, rows: s, cols: d, row_stride: row, col_stride: 1 }
    }

    /// The pieces of tokens that belong to each head: `parts` of `d` numbers for each token, token by token.
    fn pieces<'a, T>(&self, tokens: &'a mut [T], parts: usize) -> Vec<Vec<&'a mut [T]>> {
        let Sizes { n, s, heads, d } = *self;
        let mut of: Vec<Vec<&mut [T]>> = (0..n * heads).map(|_| Vec::with_capacity(s * parts)).collect();
        for (i, piece) in tokens.chunks_exact_mut(d).enumerate() {
            let (token, head) = (i / (parts * heads), i % heads);
            of[token / s * heads + head].push(piece);
        }
        of
    }

    /// Calls `one((head, (pieces, numbers)))` for each head, which has `s` of the numbers.
    fn each<'a, T: Element>(
        &self,
        pieces: Vec<Vec<&'a mut [T]>>,
        numbers: &mut [T],
        one: impl Fn((usize, (Vec<&'a mut [T]>, &mut [T]))) + Send + Sync,
    ) {
        if worth_splitting(self.n * self.heads * self.s * self.s * self.d) {
            pieces.into_par_iter().zip(numbers.par_chunks_mut(self.s)).enumerate().for_each(one);
        } else {
            pieces.into_iter().zip(numbers.chunks_mut(self.s)).enumerate().for_each(one);
        }
    }
}
