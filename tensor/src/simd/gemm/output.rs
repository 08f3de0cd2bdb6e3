//! Where the tiles of C go.

use crate::simd::Isa;
use crate::simd::gemm::microkernel::{self, Ahead, Begin, Columns, LINE, MOST_COLS, Rows, Shape, Strip};
use std::marker::PhantomData;
use std::mem::MaybeUninit;

/// C as the driver sees it: rows a fixed distance apart, columns contiguous within groups.
///
/// A matrix is one group. A batch of pictures [samples, channels, pixels] is C with a row per channel and a
/// column per (sample, pixel): each sample is a group. So a tile may begin in one picture and end in the
/// next, and small pictures leave no columns of a tile unused.
pub(crate) struct Output<'a> {
    data: *mut f32,
    pub(super) rows: usize,
    pub(super) cols: usize,
    pub(super) row_stride: usize,
    group: usize,
    group_stride: usize,
    borrowed: PhantomData<&'a mut [f32]>,
}

// SAFETY: tasks write disjoint tiles (`store` is unsafe and says so), and the numbers stay borrowed.
unsafe impl Sync for Output<'_> {}
// SAFETY: as above.
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

    /// Where (row, col) is, and how many columns from there on are contiguous.
    pub(super) fn at(&self, row: usize, col: usize) -> (*mut f32, usize) {
        debug_assert!(row < self.rows && col < self.cols);
        // Most products have one group, and divisions take as long as several steps of a tile.
        let (group, within) = if col < self.group { (0, col) } else { (col / self.group, col % self.group) };
        let offset = group * self.group_stride + row * self.row_stride + within;
        // SAFETY: `grouped` checked that the last element is inside the numbers.
        (unsafe { self.data.add(offset) }, self.group - within)
    }

    /// Computes `rows` × `cols` at (row, col), a tile's width at most.
    ///
    /// # Safety
    /// The operands hold `steps` steps. The strip is inside C, and no other thread reads or writes it meanwhile.
    pub(super) unsafe fn strip(
        &self,
        isa: Isa,
        (row, rows): (usize, usize),
        (col, cols): (usize, usize),
        steps: usize,
        (a, b): (Rows, Columns),
        begin: Begin,
    ) {
        let shape = Shape::of(isa);
        let (start, run) = self.at(row, col);
        let vectors = cols.div_ceil(shape.lanes);
        // Columns that are read where they lie: their neighbours are next, in lines that no processor foresees.
        let lines = if b.copy.is_some() { cols.div_ceil(LINE) } else { 0 };
        let ahead = Ahead { start: b.start.wrapping_add(cols), step: b.step, next: LINE, lines };
        // As many numbers as the first cache holds, of a panel of B.
        const FULL: usize = 1 << 13;
        let late = if steps * cols < FULL { 0 } else { 2 * shape.rows };
        let whole = Strip { rows, steps, a, b, c: start, c_row: self.row_stride, begin, ahead, late };
        if cols <= run && cols.is_multiple_of(shape.lanes) {
            // SAFETY: all columns of the strip are contiguous, and no vector reaches past them.
            return unsafe { microkernel::run(isa, &whole, vectors) };
        }
        for first in (0..rows).step_by(shape.rows) {
            let rows = shape.rows.min(rows - first);
            let mut staged = Staged(MaybeUninit::uninit());
            let buffer = staged.0.as_mut_ptr().cast::<f32>();
            if let Begin::Current = begin {
                // The kernel reads whole vectors.
                staged.0.write([0.0; MOST_ROWS * MOST_COLS]);
                let begin = |at: usize, c: &mut [f32]| {
                    // SAFETY: places of the tile are inside the buffer.
                    unsafe { buffer.add(at).copy_from_nonoverlapping(c.as_ptr(), c.len()) }
                };
                // SAFETY: the caller's strip.
                unsafe { self.each_run(row + first, rows, col, cols, begin) };
            }
            let a = Rows { start: a.start.wrapping_add(first / shape.rows * a.next), ..a };
            let begin = match begin {
                Begin::Rows(bias) => Begin::Rows(bias.wrapping_add(first)),
                same => same,
            };
            let tile = Strip { rows, a, c: buffer, c_row: MOST_COLS, begin, ..whole };
            // SAFETY: the buffer holds the largest tile.
            unsafe { microkernel::run(isa, &tile, vectors) };
            let end = |at: usize, c: &mut [f32]| {
                // SAFETY: as above; the kernel has written these.
                unsafe { c.as_mut_ptr().copy_from_nonoverlapping(buffer.add(at), c.len()) }
            };
            // SAFETY: the caller's strip.
            unsafe { self.each_run(row + first, rows, col, cols, end) };
        }
    }

    /// Calls `visit(place in the staging buffer, contiguous columns of C)` over a tile of it.
    ///
    /// # Safety
    /// As [`Output::strip`].
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
                // SAFETY: inside C, and ours alone, as the caller promises.
                let c = unsafe { std::slice::from_raw_parts_mut(start.add(r * self.row_stride), run) };
                visit(r * MOST_COLS + done, c);
            }
            done += run;
        }
    }
}

/// The most rows of any instruction set's tile.
const MOST_ROWS: usize = 8;

/// An incomplete tile on its way from registers to memory.
#[repr(align(64))]
struct Staged(MaybeUninit<[f32; MOST_ROWS * MOST_COLS]>);
