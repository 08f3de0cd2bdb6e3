//! The arithmetic of one head, wherever its numbers lie.

use crate::Precision::F32;
use crate::ops::softmax::softmax_row;
use crate::simd::{MatRef, vectorized};
use crate::{Accumulate, Buffer, Element};

/// The most scores of one block of queries: bounds the memory of a task, and fits a core's second-level cache.
const SCORES: usize = 64 * 1024;

/// Queries \[s × d\], keys \[r × d\] and values \[r × e\] of a head, a row for each position.
#[derive(Clone, Copy)]
pub(super) struct Head<'a, T> {
    pub(super) q: MatRef<'a, T>,
    pub(super) k: MatRef<'a, T>,
    pub(super) v: MatRef<'a, T>,
}

/// Queries in a block, of `s` queries that see `r` keys.
pub(super) fn block_of(s: usize, r: usize) -> usize {
    (SCORES / r).clamp(16, s.max(16)).min(s)
}

impl<T: Element> Head<'_, T> {
    /// Calls `weigh(first query, probabilities)` for each block of queries, a row of probabilities for each query: the softmax of
    /// scale · q·k over keys. Writes to `lse`, for each query, ln Σ e^(scale · q·k).
    pub(super) fn attend(&self, scale: T, lse: &mut [T], mut weigh: impl FnMut(usize, MatRef<'_, T>)) {
        let Head { q, k, .. } = *self;
        let (s, r) = (q.rows, k.rows);
        let block = block_of(s, r);
        let mut scores = Buffer::scratch(block * r);
        for start in (0..s).step_by(block) {
            let rows = block.min(s - start);
            let scores = &mut scores[..rows * r];
            T::gemm(F32, rows_of(q, start, rows), k.transposed(), scores, r, Accumulate::Overwrite);
            for (row, lse) in scores.chunks_exact_mut(r).zip(&mut lse[start..]) {
                *lse = softmax_row(row, scale);
            }
            weigh(start, MatRef::row_major(scores, rows, r));
        }
    }

    /// Calls `gather(first query, p, ds)` for each block of queries, with a row for each query of the probabilities p and of the
    /// gradients of the scores, ds = scale · p (dp − δ), where dp = dout vᵀ. `dout` is \[s × e\]; `lse` is what [`Head::attend`] wrote, and
    /// `delta` is Σ_e dout · out for each query.
    pub(super) fn differentiate(
        &self,
        scale: T,
        [lse, delta]: [&[T]; 2],
        dout: MatRef<'_, T>,
        mut gather: impl FnMut(usize, MatRef<'_, T>, MatRef<'_, T>),
    ) {
        let Head { q, k, v } = *self;
        let (s, r) = (q.rows, k.rows);
        let block = block_of(s, r);
        let mut p = Buffer::scratch(block * r);
        let mut dp = Buffer::scratch(block * r);
        for start in (0..s).step_by(block) {
            let rows = block.min(s - start);
            let (p, dp) = (&mut p[..rows * r], &mut dp[..rows * r]);
            T::gemm(F32, rows_of(q, start, rows), k.transposed(), p, r, Accumulate::Overwrite);
            T::gemm(F32, rows_of(dout, start, rows), v.transposed(), dp, r, Accumulate::Overwrite);
            for ((p, dp), i) in p.chunks_exact_mut(r).zip(dp.chunks_exact_mut(r)).zip(start..) {
                score_gradient(p, dp, scale, lse[i], delta[i]);
            }
            gather(start, MatRef::row_major(p, rows, r), MatRef::row_major(dp, rows, r));
        }
    }
}

/// Whether sums over queries begin with this block, or go on.
pub(super) fn from_block(start: usize) -> Accumulate {
    if start == 0 { Accumulate::Overwrite } else { Accumulate::Add }
}

/// Rows `start..start + count` of a matrix.
pub(super) fn rows_of<T>(m: MatRef<'_, T>, start: usize, count: usize) -> MatRef<'_, T> {
    MatRef { data: &m.data[start * m.row_stride..], rows: count, ..m }
}

/// For one query, turns scores into probabilities, p = e^(scale · score − lse), and the gradients of the probabilities into
/// gradients of the scores, ds = scale · p (dp − δ).
fn score_gradient<T: Element>(scores: &mut [T], dp: &mut [T], scale: T, lse: T, delta: T) {
    vectorized(
        #[inline(always)]
        || {
            for (p, dp) in scores.iter_mut().zip(dp) {
                *p = p.mul_add(scale, -lse).exp();
                *dp = scale * *p * (*dp - delta);
            }
        },
    );
}
