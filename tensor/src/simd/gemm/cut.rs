//! How a product is cut: into tasks for threads, a long sum into slices, and loops into blocks for the caches.

use super::microkernel::TileShape;
use std::ops::Range;

/// A grid of blocks over C, one for each task, each of whole panels.
pub(super) struct Cut {
    down: usize,
    across: usize,
    row_unit: usize,
    col_unit: usize,
}

impl Cut {
    /// Equal tasks: at most one for each thread up to a million multiply-adds each, which take ten microseconds; several for
    /// each thread from sixteen million on, so that the others take over the share of a thread that is held up. Columns are cut
    /// first: each block packs its own part of B, so where rows are cut as well, B is packed once for each of them.
    ///
    /// The number of threads enters here, and no bit depends on it: each number of C is one sum over all of k, in order, whichever
    /// task computes it.
    pub(super) fn of(shape: &TileShape, rows: usize, cols: usize, depth: usize, threads: usize) -> Cut {
        const WORK_OF_ONE: usize = 1 << 20;
        const WORK_OF_SEVERAL: usize = 1 << 24;
        const MIN_ROWS: usize = 64;
        const MIN_PANELS: usize = 2;
        let (enough, most) = if threads == 1 { (1, 1) } else { (2 * threads, 8 * threads) };
        let work = rows.saturating_mul(cols).saturating_mul(depth.max(1));
        let wanted = (work / WORK_OF_ONE).min(threads).max(work / WORK_OF_SEVERAL).clamp(1, most);
        let across = (cols / shape.cols / MIN_PANELS).clamp(1, wanted);
        let across = if across > threads { across - across % threads } else { across };
        let down = wanted.min(enough).div_ceil(across).min(rows / MIN_ROWS).max(1);
        Cut { down, across, row_unit: shape.rows, col_unit: shape.lanes }
    }

    pub(super) fn tasks(&self) -> usize {
        self.down * self.across
    }

    /// How many tasks take the same rows.
    pub(super) fn across(&self) -> usize {
        self.across
    }

    /// The rows and the columns of a task, of so many in all.
    pub(super) fn part(&self, task: usize, rows: usize, cols: usize) -> (Range<usize>, Range<usize>) {
        let part = |index: usize, of: usize, len: usize, unit: usize| {
            let units = len.div_ceil(unit);
            let from = |index: usize| (index * units / of * unit).min(len);
            from(index)..from(index + 1)
        };
        (
            part(task % self.down, self.down, rows, self.row_unit),
            part(task / self.down, self.across, cols, self.col_unit),
        )
    }
}

/// Into how many slices a sum is cut: as many as leave each a fair length, fewer where C is large enough to be cut itself, since
/// each slice needs a C of its own. A function of the shape alone: where a sum is cut shows in its last bits.
pub(super) fn slices(rows: usize, cols: usize, depth: usize) -> usize {
    const MIN_DEPTH: usize = 1024;
    let most = match rows * cols {
        0..=65_536 => 16,
        65_537..=262_144 => 8,
        _ => 1,
    };
    (depth / MIN_DEPTH).next_power_of_two().min(most)
}

/// The size of equal parts of `len`, each at most `most`, in multiples of `unit`.
pub(crate) fn share(len: usize, most: usize, unit: usize) -> usize {
    let parts = len.div_ceil(most).max(1);
    len.div_ceil(parts).next_multiple_of(unit).max(unit)
}

/// A range in pieces of `size`, the last one shorter.
pub(super) fn parts(range: Range<usize>, size: usize) -> impl Iterator<Item = Range<usize>> {
    let end = range.end;
    range.step_by(size).map(move |start| start..end.min(start + size))
}

/// [`parts`] that also end at each multiple of `group`.
pub(super) fn parts_of_groups(
    range: Range<usize>,
    size: usize,
    group: usize,
) -> impl Iterator<Item = Range<usize>> {
    let mut start = range.start;
    std::iter::from_fn(move || {
        let part = start..range.end.min(start + size).min((start / group + 1).saturating_mul(group));
        start = part.end;
        (!part.is_empty()).then_some(part)
    })
}
