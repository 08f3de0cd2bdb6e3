//! How work is cut for threads: into pieces of a constant size, so that no result depends on the number of threads.

use crate::{Element, Tensor};
use rayon::prelude::*;

/// Elements in a piece: enough to outweigh the cost of a task, few enough that threads finish at about the same time.
pub(super) const PIECE: usize = 32 * 1024;

/// Elements in a block that a kernel reads more than once: it fits the first-level cache.
pub(super) const BLOCK: usize = 2048;

/// Work of fewer elements is done before another thread would have started.
const WORTH_A_TASK: usize = 16 * 1024;

/// Whether a kernel of so many elements should use several threads.
pub(super) fn worth_splitting(work: usize) -> bool {
    work > WORTH_A_TASK && rayon::current_num_threads() > 1
}

/// Calls `body(start, piece)` for consecutive pieces of `out`, `piece` elements each (the last may be shorter), on several
/// threads if that pays for `work` elements read or written in all.
pub(super) fn for_pieces<T: Send>(
    out: &mut [T],
    piece: usize,
    work: usize,
    body: impl Fn(usize, &mut [T]) + Sync,
) {
    let piece = piece.max(1);
    if worth_splitting(work) && out.len() > piece {
        out.par_chunks_mut(piece).enumerate().for_each(|(i, part)| body(i * piece, part));
    } else {
        for (i, part) in out.chunks_mut(piece).enumerate() {
            body(i * piece, part);
        }
    }
}

/// As [`for_pieces`], with pieces of about [`PIECE`] elements that hold whole rows.
pub(super) fn for_rows<T: Send>(out: &mut [T], row: usize, body: impl Fn(usize, &mut [T]) + Sync) {
    let work = out.len();
    for_pieces(out, rows_in_piece(row) * row, work, body);
}

/// Cuts three slices into equally many pieces of the given lengths, and calls `body(i, pieces)` for the i-th piece of each.
pub(super) fn for_pieces_of_three<T: Send>(
    [a, b, c]: [&mut [T]; 3],
    lengths: [usize; 3],
    work: usize,
    body: impl Fn(usize, [&mut [T]; 3]) + Sync,
) {
    let [la, lb, lc] = lengths.map(|len| len.max(1));
    if worth_splitting(work) {
        let pieces = (a.par_chunks_mut(la), b.par_chunks_mut(lb), c.par_chunks_mut(lc));
        pieces.into_par_iter().enumerate().for_each(|(i, (a, b, c))| body(i, [a, b, c]));
    } else {
        let pieces = a.chunks_mut(la).zip(b.chunks_mut(lb)).zip(c.chunks_mut(lc));
        pieces.enumerate().for_each(|(i, ((a, b), c))| body(i, [a, b, c]));
    }
}

/// The number of rows of this length in a piece: at least one.
pub(super) fn rows_in_piece(row: usize) -> usize {
    (PIECE / row.max(1)).max(1)
}

/// Calls `body(start, part)` for parts of a piece that lie within a row and are at most [`BLOCK`] long. `start` and `at`, the
/// start of the piece, count from the beginning of the whole.
#[inline(always)]
pub(super) fn for_blocks<T>(at: usize, piece: &mut [T], row: usize, mut body: impl FnMut(usize, &mut [T])) {
    let (mut start, mut rest) = (at, piece);
    while !rest.is_empty() {
        let len = (row - start % row).min(BLOCK).min(rest.len());
        let (part, after) = rest.split_at_mut(len);
        body(start, part);
        (start, rest) = (start + len, after);
    }
}

/// The output of an element-wise kernel, perhaps its input's own memory.
pub(super) struct Target<T: Element> {
    /// The result, to be written in full.
    pub(super) out: Tensor<T>,
    /// The input; `None` if `out` holds it already.
    pub(super) source: Option<Tensor<T>>,
}

impl<T: Element> Target<T> {
    /// `x`'s own memory if no other tensor shares it, fresh memory otherwise.
    pub(super) fn reuse(x: Tensor<T>) -> Target<T> {
        if x.is_unique() {
            Target { out: x, source: None }
        } else {
            Target { out: Tensor::scratch(*x.shape()), source: Some(x) }
        }
    }

    /// Calls `body(start, part)` on parts of the result, which hold the values of `x` and are to be overwritten: whole rows,
    /// about [`PIECE`] elements in all.
    pub(super) fn update_rows(self, row: usize, body: impl Fn(usize, &mut [T]) + Sync) -> Tensor<T> {
        let Target { mut out, source } = self;
        for_rows(out.as_mut_slice(), row, |start, part| {
            if let Some(source) = &source {
                part.copy_from_slice(&source.as_slice()[start..][..part.len()]);
            }
            body(start, part);
        });
        out
    }

    /// Calls `body(start, block)` on short blocks of the result, which hold the values of `x` and are to be overwritten.
    pub(super) fn update(self, body: impl Fn(usize, &mut [T]) + Sync) -> Tensor<T> {
        let Target { mut out, source } = self;
        let work = out.numel();
        for_pieces(out.as_mut_slice(), PIECE, work, |start, piece| {
            for_blocks(start, piece, usize::MAX, |start, block| {
                if let Some(source) = &source {
                    block.copy_from_slice(&source.as_slice()[start..][..block.len()]);
                }
                body(start, block);
            });
        });
        out
    }
}
