//! Streamed products: B is read from memory and nothing of it is copied. They pay where C has so few rows, or the sum so few steps,
//! that packing B would take as long as multiplying.
//!
//! Columns are computed from left to right, so that each row of B is read, and each row of C written, from one end to the other. As
//! in the microkernel, all steps of a sum are added to a tile of C in registers.

use super::microkernel::{Accumulator, LINE, TileShape};
use super::output::Output;
use super::pack::InMemory;
use super::start::Start;
use super::strip::RowsOfA;
use crate::simd::Isa;
use crate::simd::vector::{Vector, behind, on_isa};
use std::ops::Range;

/// The most rows of C that are few: they make one tile.
const FEW_ROWS: usize = 6;
/// The most steps of a short sum.
const FEW_STEPS: usize = 12;
/// Rows of a tile where C has more of them: as many rows of C are written side by side.
const ROWS: usize = 4;
/// Columns at a time where C has more rows: their part of B stays in the L1 cache for all tiles.
const COLUMNS: usize = 1024;

/// A part of a product: these rows, columns and steps, at least one of each.
pub(super) struct Streamed<'a> {
    /// A's part, from its first row and step on.
    pub(super) a: RowsOfA,
    /// B, whose columns are neighbours in memory.
    pub(super) b: InMemory<'a>,
    pub(super) rows: Range<usize>,
    pub(super) cols: Range<usize>,
    pub(super) steps: Range<usize>,
}

impl Streamed<'_> {
    /// Whether a product of so many rows and steps is faster streamed, and B lies in memory as that requires.
    pub(super) fn applies(b: &InMemory<'_>, rows: usize, steps: usize) -> bool {
        let few = rows <= FEW_ROWS || steps <= FEW_STEPS;
        few && steps > 0 && b.outer.stride == 1 && b.depth.group >= steps
    }

    /// # Safety
    /// The processor has the instructions. The ranges are inside B and C, A is valid for reads of all rows and steps, and no other
    /// thread accesses this block of C during the call.
    pub(super) unsafe fn multiply(&self, isa: Isa, c: &Output<'_>, start: Start<'_>) {
        let width = TileShape::of(isa).rows;
        on_isa!(isa, multiply_columns(self, width, c, start));
    }

    /// `R` rows of A from this one on; A's panels, if it has any, are `width` rows wide.
    #[inline(always)]
    fn rows_of_a<L: Vector<W>, const R: usize, const W: usize>(
        &self,
        row: usize,
        width: usize,
        start: Start<'_>,
    ) -> Left<L, R> {
        let (mut rows, mut bias) = ([self.a.start; R], [L::zero(); R]);
        for r in 0..R {
            let at = row + r - self.rows.start;
            let offset = at / width * self.a.tile_stride + at % width * self.a.row_stride;
            rows[r] = self.a.start.wrapping_add(offset);
            if let Start::Rows(numbers) = start {
                bias[r] = L::splat(numbers[row + r]);
            }
        }
        Left { rows, step_stride: self.a.step_stride, from_c: matches!(start, Start::Current), bias }
    }
}

/// Must be called from [`Streamed::multiply`] only, whose caller vouches for the operands. (`on_isa!` takes safe functions.)
#[inline(always)]
fn multiply_columns<L: Accumulator<W>, const W: usize>(
    call: &Streamed<'_>,
    width: usize,
    c: &Output<'_>,
    start: Start<'_>,
) {
    let in_one_tile = call.rows.len() <= FEW_ROWS;
    let (rows_together, max_cols) = if in_one_tile { (FEW_ROWS, usize::MAX) } else { (ROWS, COLUMNS) };
    let (outer, b_row_stride) = (call.b.outer, call.b.depth.stride);
    let mut col = call.cols.start;
    while col < call.cols.end {
        let (_, run) = c.at(call.rows.start, col);
        let len = max_cols.min(call.cols.end - col).min(run).min(outer.group - col % outer.group);
        let b = call.b.from(col, call.steps.start);
        assert!((call.steps.len() - 1) * b_row_stride + len <= b.len(), "columns beyond B's numbers");
        for row in call.rows.clone().step_by(rows_together) {
            let columns = Columns {
                b: b.as_ptr(),
                b_row_stride,
                c: c.at(row, col).0,
                c_row_stride: c.row_stride,
                len,
                steps: call.steps.len(),
                prefetch: in_one_tile,
                bias: match start.at_column(col) {
                    Start::Columns(bias) => Some(bias),
                    _ => None,
                },
            };
            let rows = row..call.rows.end.min(row + rows_together);
            // SAFETY: `len` columns of all steps were just found inside B's numbers. These rows and columns are inside C, contiguous
            // as far as `run`, and no other thread accesses them, and A has these rows and steps: the caller of
            // `Streamed::multiply`, which alone calls this function, has promised both.
            unsafe {
                match L::MAX_VECTORS {
                    4 => columns.of_rows::<L, W, 4, 8, 16>(call, rows, width, start),
                    2 => columns.of_rows::<L, W, 2, 4, 8>(call, rows, width, start),
                    _ => columns.of_rows::<L, W, 1, 1, 1>(call, rows, width, start),
                }
            }
        }
        col += len;
    }
}

/// `len` neighbouring columns of B and of a few rows of C.
struct Columns<'a> {
    b: *const f32,
    b_row_stride: usize,
    c: *mut f32,
    c_row_stride: usize,
    len: usize,
    steps: usize,
    /// Whether the columns that come next are prefetched.
    prefetch: bool,
    /// What every row starts from, if it is a number for each column.
    bias: Option<&'a [f32]>,
}

/// `R` rows of A, and what the rows of C start from.
struct Left<L, const R: usize> {
    rows: [*const f32; R],
    step_stride: usize,
    /// Whether sums start from what C holds; otherwise from `bias`.
    from_c: bool,
    bias: [L; R],
}

impl Columns<'_> {
    /// In tiles `V` vectors wide; or first in wider ones, if there are so few rows that registers are left: then each row of B is
    /// read in longer stretches.
    ///
    /// # Safety
    /// The processor has the instructions of `L`. B is valid for reads of `len` numbers in each of `steps` rows, and A for reads of
    /// these rows and steps. C is valid for reads and writes of `len` numbers in each of these rows, and no other thread accesses
    /// them during the call.
    #[inline(always)]
    unsafe fn of_rows<
        L: Vector<W>,
        const W: usize,
        const V: usize,
        const V_OF_THREE: usize,
        const V_OF_ONE: usize,
    >(
        &self,
        call: &Streamed<'_>,
        rows: Range<usize>,
        width: usize,
        start: Start<'_>,
    ) {
        let row = rows.start;
        // SAFETY: the caller vouches for `len` columns of B and for these rows of A and C; each arm takes as many rows as there are.
        unsafe {
            match rows.len() {
                1 => self.of_all::<L, W, 1, V, V_OF_ONE>(&call.rows_of_a(row, width, start)),
                2 => self.of_all::<L, W, 2, V, V_OF_THREE>(&call.rows_of_a(row, width, start)),
                3 => self.of_all::<L, W, 3, V, V_OF_THREE>(&call.rows_of_a(row, width, start)),
                4 => self.of_all::<L, W, 4, V, V>(&call.rows_of_a(row, width, start)),
                5 => self.of_all::<L, W, 5, V, V>(&call.rows_of_a(row, width, start)),
                6 => self.of_all::<L, W, 6, V, V>(&call.rows_of_a(row, width, start)),
                more => unreachable!("no tile has {more} rows"),
            }
        }
    }

    /// All columns: in tiles of `WIDE` vectors, then of `V`, then vector by vector.
    ///
    /// # Safety
    /// The promises of [`Columns::of_rows`], for `R` rows.
    #[inline(always)]
    unsafe fn of_all<L: Vector<W>, const W: usize, const R: usize, const V: usize, const WIDE: usize>(
        &self,
        a: &Left<L, R>,
    ) {
        // SAFETY: the caller vouches for `len` columns of `R` rows. Each call begins at or before column `len`, where the one before
        // it ended.
        unsafe {
            let mut at = self.tiles::<L, W, R, WIDE>(a, 0);
            if WIDE > V {
                at = self.tiles::<L, W, R, V>(a, at);
            }
            self.rest(a, at);
        }
    }

    /// From column `from` on, as many whole tiles of `V` vectors as there are. Returns the first column that is left.
    ///
    /// # Safety
    /// The promises of [`Columns::of_rows`], for `R` rows; `from` is at most `len`.
    #[inline(always)]
    unsafe fn tiles<L: Vector<W>, const W: usize, const R: usize, const V: usize>(
        &self,
        a: &Left<L, R>,
        from: usize,
    ) -> usize {
        let end = self.len - (self.len - from) % (V * W);
        for at in (from..end).step_by(V * W) {
            let c = |r: usize, v: usize| {
                self.c.wrapping_add(r * self.c_row_stride + at + v * W).cast::<[f32; W]>()
            };
            let mut sums = [[L::zero(); V]; R];
            for r in 0..R {
                for v in 0..V {
                    sums[r][v] = match self.bias {
                        Some(bias) => L::load_some(behind(bias, at + v * W)),
                        // SAFETY: the tile ends at or before column `len`, so the caller vouches for this vector of row r < R of C.
                        None if a.from_c => L::load(unsafe { &*c(r, v) }),
                        None => a.bias[r],
                    };
                }
            }
            let (mut b, mut step) = (self.b.wrapping_add(at), 0);
            for _ in 0..self.steps {
                let mut row_of_b = [L::zero(); V];
                for v in 0..V {
                    // SAFETY: the tile ends at or before column `len`, so the caller vouches for this vector of each row of B.
                    row_of_b[v] = L::load(unsafe { &*b.wrapping_add(v * W).cast() });
                }
                if self.prefetch {
                    for next in (V * W..2 * V * W).step_by(LINE) {
                        L::prefetch_into_l2(b.wrapping_add(next));
                    }
                }
                for r in 0..R {
                    // SAFETY: r < R, and this is one of `steps` steps, so the caller vouches for this number of A.
                    let x = unsafe { *a.rows[r].wrapping_add(step) };
                    for v in 0..V {
                        sums[r][v] = row_of_b[v].mul_add(x, sums[r][v]);
                    }
                }
                (b, step) = (b.wrapping_add(self.b_row_stride), step + a.step_stride);
            }
            for r in 0..R {
                for v in 0..V {
                    // SAFETY: the tile ends at or before column `len`, so this vector of row r < R of C is the caller's to write.
                    sums[r][v].store(unsafe { &mut *c(r, v) });
                }
            }
        }
        end
    }

    /// From column `from` on, vector by vector, the last one shorter.
    ///
    /// # Safety
    /// The promises of [`Columns::of_rows`], for `R` rows; `from` is at most `len`.
    #[inline(always)]
    unsafe fn rest<L: Vector<W>, const W: usize, const R: usize>(&self, a: &Left<L, R>, from: usize) {
        for at in (from..self.len).step_by(W) {
            let len = W.min(self.len - at);
            for r in 0..R {
                let c = self.c.wrapping_add(r * self.c_row_stride + at);
                // SAFETY: at + len ≤ self.len, so the caller vouches for these numbers of row r < R of C, and that nobody else
                // accesses them.
                let c = unsafe { std::slice::from_raw_parts_mut(c, len) };
                let mut sum = match self.bias {
                    Some(bias) => L::load_some(behind(bias, at)),
                    None if a.from_c => L::load_some(c),
                    None => a.bias[r],
                };
                for step in 0..self.steps {
                    let b = self.b.wrapping_add(step * self.b_row_stride + at);
                    // SAFETY: at + len ≤ self.len and step < self.steps, so the caller vouches for these numbers of B, and for this
                    // number of A's row r < R.
                    let (b, x) = unsafe {
                        (std::slice::from_raw_parts(b, len), *a.rows[r].wrapping_add(step * a.step_stride))
                    };
                    sum = L::load_some(b).mul_add(x, sum);
                }
                sum.store_some(c);
            }
        }
    }
}
