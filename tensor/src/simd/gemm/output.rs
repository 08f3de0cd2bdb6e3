//! Where the tiles of C lie in memory.

use super::microkernel::{LINE, MAX_COLS, TileShape};
use super::start::Start;
use super::strip::{ColumnsOfB, Prefetch, RowsOfA, Strip};
use crate::simd::Isa;
use std::marker::PhantomData;
use std::mem::MaybeUninit;

/// C as the driver sees it: rows a fixed distance apart, columns contiguous within groups.
///
/// A matrix is one group. A batch of pictures [samples, channels, pixels] is C with a row per channel and a column per
/// (sample, pixel): each sample is a group. So a tile may begin in one picture and end in the next, and small pictures leave
/// no columns of a tile unused.
pub(crate) struct Output<'a> {
    data: *mut f32,
    pub(super) rows: usize,
    pub(super) cols: usize,
    pub(super) row_stride: usize,
    group: usize,
    group_stride: usize,
    borrowed: PhantomData<&'a mut [f32]>,
}

// SAFETY: the numbers are accessed through `strip` alone, which is unsafe: its callers promise that no two threads access the same
// ones at a time. They stay mutably borrowed for as long as the output lives.
unsafe impl Sync for Output<'_> {}
// SAFETY: an output is a mutable borrow of f32 numbers, which may be sent to another thread.
unsafe impl Send for Output<'_> {}

impl<'a> Output<'a> {
    /// A row-major matrix whose rows are `row_stride` apart.
    pub(crate) fn matrix(data: &'a mut [f32], rows: usize, cols: usize, row_stride: usize) -> Output<'a> {
        assert!(row_stride >= cols, "rows of {cols} columns, {row_stride} apart, overlap");
        Output::grouped(data, rows, cols, row_stride, cols.max(1), 0)
    }

    /// A batch [samples, channels, pixels], with a row per channel.
    pub(crate) fn pictures(
        data: &'a mut [f32],
        samples: usize,
        channels: usize,
        pixels: usize,
    ) -> Output<'a> {
        Output::grouped(data, channels, samples * pixels, pixels, pixels.max(1), channels * pixels)
    }

    fn grouped(
        data: &'a mut [f32],
        rows: usize,
        cols: usize,
        row_stride: usize,
        group: usize,
        group_stride: usize,
    ) -> Output<'a> {
        if rows > 0 && cols > 0 {
            let groups = cols.div_ceil(group);
            let last = (groups - 1) * group_stride + (rows - 1) * row_stride + (cols - 1) % group;
            assert!(last < data.len(), "a product of {rows} × {cols} in {} numbers", data.len());
        }
        Output { data: data.as_mut_ptr(), rows, cols, row_stride, group, group_stride, borrowed: PhantomData }
    }

    /// Where (row, col) is, and how many columns from there on are contiguous. The place is inside the numbers if `row` and `col`
    /// are inside C.
    pub(super) fn at(&self, row: usize, col: usize) -> (*mut f32, usize) {
        debug_assert!(row < self.rows && col < self.cols);
        // Most products have one group, and divisions take as long as several steps of a tile.
        let (group, within) = if col < self.group { (0, col) } else { (col / self.group, col % self.group) };
        let offset = group * self.group_stride + row * self.row_stride + within;
        // SAFETY: `grouped` checked that the offset of C's last row and column is inside the numbers, and no other offset is larger.
        (unsafe { self.data.add(offset) }, self.group - within)
    }

    /// Computes `rows` rows and `cols` columns, at most a tile's width of them, from (row, col) on.
    ///
    /// # Safety
    /// The processor has the instructions. A is valid for reads of `rows` rows, B of whole vectors that cover `cols` columns, both of
    /// `steps` steps; B's copy, if there is one, is valid for writes of a tile's width for each step. The strip is inside C, and no
    /// other thread accesses it or the copy during the call.
    pub(super) unsafe fn strip(
        &self,
        isa: Isa,
        (row, rows): (usize, usize),
        (col, cols): (usize, usize),
        steps: usize,
        (a, b): (RowsOfA, ColumnsOfB),
        from: Start<'_>,
    ) {
        let shape = TileShape::of(isa);
        let (c, run) = self.at(row, col);
        let vectors = cols.div_ceil(shape.lanes);
        // Where B's columns are read from memory, the columns beside them are next, a row apart: no processor foresees them.
        let lines = if b.copy.is_some() { cols.div_ceil(LINE) } else { 0 };
        let next = b.start.wrapping_add(cols);
        let prefetch = Prefetch { start: next, step_stride: b.step_stride, line_stride: LINE, lines };
        /// Numbers of a panel of B that fill the L1 cache.
        const FULL: usize = 1 << 13;
        let late_steps = if steps * cols < FULL { 0 } else { 2 * shape.rows };
        let (c_row_stride, start) = (self.row_stride, from);
        let whole = Strip { rows, steps, a, b, c, c_row_stride, start, prefetch, late_steps };
        if cols <= run && cols.is_multiple_of(shape.lanes) {
            // SAFETY: the caller vouches for A, B and the copy. All columns of the strip are contiguous in C and fill whole vectors, so
            // the kernel accesses numbers of the strip only, which no other thread does.
            return unsafe { whole.compute(isa, vectors) };
        }
        for first in (0..rows).step_by(shape.rows) {
            let rows = shape.rows.min(rows - first);
            let mut staged = Staged(MaybeUninit::uninit());
            let buffer = staged.0.as_mut_ptr().cast::<f32>();
            if let Start::Current = from {
                // The kernel reads whole vectors, also where the tile has no columns.
                staged.0.write([0.0; MAX_ROWS * MAX_COLS]);
                let load = |at: usize, c: &mut [f32]| {
                    // SAFETY: `each_run` passes places of a tile of at most MAX_ROWS × MAX_COLS numbers, so the buffer holds them; it
                    // is a local variable, which C cannot overlap.
                    unsafe { buffer.add(at).copy_from_nonoverlapping(c.as_ptr(), c.len()) }
                };
                // SAFETY: these rows and columns are part of the strip, which is the caller's alone.
                unsafe { self.each_run(row + first, rows, col, cols, load) };
            }
            let a = RowsOfA { start: a.start.wrapping_add(first / shape.rows * a.tile_stride), ..a };
            let start = from.at_row(first);
            let tile = Strip { rows, a, c: buffer, c_row_stride: MAX_COLS, start, ..whole };
            // SAFETY: the caller vouches for A, B and the copy. The tile of C is the buffer, which has room for `rows` ≤ MAX_ROWS rows
            // and, at a row stride of MAX_COLS, for the widest tile that panels are packed for; it was initialised if it is read.
            unsafe { tile.compute(isa, vectors) };
            let store = |at: usize, c: &mut [f32]| {
                // SAFETY: `each_run` passes places of this tile, which the kernel has written; C cannot overlap a local variable.
                unsafe { c.as_mut_ptr().copy_from_nonoverlapping(buffer.add(at), c.len()) }
            };
            // SAFETY: these rows and columns are part of the strip, which is the caller's alone.
            unsafe { self.each_run(row + first, rows, col, cols, store) };
        }
    }

    /// Calls `visit(place in the staging buffer, contiguous columns of C)` over a tile of it.
    ///
    /// # Safety
    /// The rows and columns are inside C, and no other thread accesses them during the call.
    #[inline(always)]
    unsafe fn each_run(
        &self,
        row: usize,
        rows: usize,
        col: usize,
        cols: usize,
        mut visit: impl FnMut(usize, &mut [f32]),
    ) {
        let mut done = 0;
        while done < cols {
            let (start, run) = self.at(row, col + done);
            let run = run.min(cols - done);
            for r in 0..rows {
                // SAFETY: the caller promises that row + r and these columns are inside C, of which `at` found `run` to be contiguous, and
                // that nobody else accesses them; the slice ends before the next one is made.
                let c = unsafe { std::slice::from_raw_parts_mut(start.add(r * self.row_stride), run) };
                visit(r * MAX_COLS + done, c);
            }
            done += run;
        }
    }
}

/// The most rows of any instruction set's tile.
const MAX_ROWS: usize = 8;

/// An incomplete tile on its way from registers to memory.
#[repr(align(64))]
struct Staged(MaybeUninit<[f32; MAX_ROWS * MAX_COLS]>);
