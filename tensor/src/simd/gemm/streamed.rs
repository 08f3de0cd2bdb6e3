//! Products that read B as it lies in memory and copy nothing: where C has so few rows, or the sum so few steps, that copying B
//! would take as long as multiplying.
//!
//! The columns of a stretch are gone through from left to right, so that each row of B, and of C, is read and written from one end
//! to the other. All steps of a sum are added to a tile of C in registers, as in the microkernel.

use super::microkernel::{Accumulator, LINE, TileShape};
use super::output::Output;
use super::pack::InMemory;
use super::start::Start;
use super::strip::RowsOfA;
use crate::simd::Isa;
use crate::simd::vector::{Vector, on_isa};
use std::ops::Range;

/// Rows of C that make one tile.
const FEW_ROWS: usize = 6;
/// Steps of a short sum.
const FEW_STEPS: usize = 12;
/// Rows of a tile where there are more: as many lines of C are written side by side.
const ROWS: usize = 4;
/// Columns at a time where there are more: their part of B stays in the first cache for all tiles.
const STRETCH: usize = 1024;

/// A product's part over these rows, columns and steps, at least one of each.
pub(super) struct Streamed<'a> {
    /// All of its rows and steps.
    pub(super) a: RowsOfA,
    /// Columns are neighbours.
    pub(super) b: InMemory<'a>,
    pub(super) rows: Range<usize>,
    pub(super) cols: Range<usize>,
    pub(super) steps: Range<usize>,
}

impl Streamed<'_> {
    /// Whether so many rows and steps are better streamed, and the columns may be.
    pub(super) fn applies(b: &InMemory<'_>, rows: usize, steps: usize) -> bool {
        let few = rows <= FEW_ROWS || steps <= FEW_STEPS;
        few && steps > 0 && b.outer.stride == 1 && b.depth.group >= steps
    }

    /// # Safety
    /// The ranges are inside the operands and C, and no other thread touches this block of C. A has its rows and steps.
    pub(super) unsafe fn multiply(&self, isa: Isa, c: &Output<'_>, start: Start<'_>) {
        let width = TileShape::of(isa).rows;
        on_isa!(isa, stretches(self, width, c, start));
    }

    /// Rows of A from this one on, whose panels have `width`.
    #[inline(always)]
    fn left<L: Vector<W>, const R: usize, const W: usize>(
        &self,
        row: usize,
        width: usize,
        start: Start<'_>,
    ) -> Left<L, R> {
        let (mut rows, mut begin) = ([self.a.start; R], [L::zero(); R]);
        for r in 0..R {
            let at = row + r - self.rows.start;
            rows[r] =
                self.a.start.wrapping_add(at / width * self.a.tile_stride + at % width * self.a.row_stride);
            if let Start::Rows(bias) = start {
                begin[r] = L::splat(bias[row + r]);
            }
        }
        Left { rows, step: self.a.step_stride, current: matches!(start, Start::Current), begin }
    }
}

/// Called by [`Streamed::multiply`] alone, under whose promises.
#[inline(always)]
fn stretches<L: Accumulator<W>, const W: usize>(
    call: &Streamed<'_>,
    width: usize,
    c: &Output<'_>,
    start: Start<'_>,
) {
    let in_one_tile = call.rows.len() <= FEW_ROWS;
    let (together, longest) = if in_one_tile { (FEW_ROWS, usize::MAX) } else { (ROWS, STRETCH) };
    let (lanes, apart) = (call.b.outer, call.b.depth.stride);
    let mut col = call.cols.start;
    while col < call.cols.end {
        let (_, run) = c.at(call.rows.start, col);
        let len = longest.min(call.cols.end - col).min(run).min(lanes.group - col % lanes.group);
        let b = call.b.from(col, call.steps.start);
        assert!((call.steps.len() - 1) * apart + len <= b.len(), "columns beyond B's numbers");
        for row in call.rows.clone().step_by(together) {
            let lines = Lines {
                b: b.as_ptr(),
                b_row: apart,
                c: c.at(row, col).0,
                c_row: c.row_stride,
                len,
                steps: call.steps.len(),
                ahead: in_one_tile,
            };
            let rows = row..call.rows.end.min(row + together);
            // SAFETY: lines of B were found inside, those of C are, and rows of A are there, as `multiply` was promised.
            unsafe {
                match L::MAX_VECTORS {
                    4 => lines.of_rows::<L, W, 4, 8, 16>(call, rows, width, start),
                    2 => lines.of_rows::<L, W, 2, 4, 8>(call, rows, width, start),
                    _ => lines.of_rows::<L, W, 1, 1, 1>(call, rows, width, start),
                }
            }
        }
        col += len;
    }
}

/// So many neighbouring columns of B and of a few rows of C.
struct Lines {
    b: *const f32,
    b_row: usize,
    c: *mut f32,
    c_row: usize,
    len: usize,
    steps: usize,
    /// Whether the columns that come next are fetched.
    ahead: bool,
}

/// `R` rows of A, and what sums begin with.
struct Left<L, const R: usize> {
    rows: [*const f32; R],
    /// From one step of the sum to the next.
    step: usize,
    /// What C holds, or else this.
    current: bool,
    begin: [L; R],
}

impl Lines {
    /// In tiles `V` vectors wide, or if there are so few rows that registers are free, first in wider ones: then as much of each row
    /// of B as possible is read at once.
    ///
    /// # Safety
    /// There are so many numbers in each of `steps` rows of B and of these rows of C, which nobody else uses meanwhile, and in A.
    #[inline(always)]
    unsafe fn of_rows<
        L: Vector<W>,
        const W: usize,
        const V: usize,
        const OF_THREE: usize,
        const OF_ONE: usize,
    >(
        &self,
        call: &Streamed<'_>,
        rows: Range<usize>,
        width: usize,
        start: Start<'_>,
    ) {
        let row = rows.start;
        // SAFETY: as this function's.
        unsafe {
            match rows.len() {
                1 => self.whole::<L, W, 1, V, OF_ONE>(&call.left(row, width, start)),
                2 => self.whole::<L, W, 2, V, OF_THREE>(&call.left(row, width, start)),
                3 => self.whole::<L, W, 3, V, OF_THREE>(&call.left(row, width, start)),
                4 => self.whole::<L, W, 4, V, V>(&call.left(row, width, start)),
                5 => self.whole::<L, W, 5, V, V>(&call.left(row, width, start)),
                6 => self.whole::<L, W, 6, V, V>(&call.left(row, width, start)),
                more => unreachable!("no tile has {more} rows"),
            }
        }
    }

    /// # Safety
    /// As [`Lines::of_rows`]; so below.
    #[inline(always)]
    unsafe fn whole<L: Vector<W>, const W: usize, const R: usize, const V: usize, const WIDE: usize>(
        &self,
        a: &Left<L, R>,
    ) {
        // SAFETY: as this function's.
        unsafe {
            let mut at = self.tiles::<L, W, R, WIDE>(a, 0);
            if WIDE > V {
                at = self.tiles::<L, W, R, V>(a, at);
            }
            self.end(a, at);
        }
    }

    /// From this column on, as far as whole tiles go.
    ///
    /// # Safety
    /// As [`Lines::whole`].
    #[inline(always)]
    unsafe fn tiles<L: Vector<W>, const W: usize, const R: usize, const V: usize>(
        &self,
        a: &Left<L, R>,
        from: usize,
    ) -> usize {
        let end = self.len - (self.len - from) % (V * W);
        for at in (from..end).step_by(V * W) {
            let c = |r: usize, v: usize| self.c.wrapping_add(r * self.c_row + at + v * W).cast::<[f32; W]>();
            let mut sums = [[L::zero(); V]; R];
            for r in 0..R {
                for v in 0..V {
                    // SAFETY: a whole tile of C.
                    sums[r][v] = if a.current { L::load(unsafe { &*c(r, v) }) } else { a.begin[r] };
                }
            }
            let (mut b, mut step) = (self.b.wrapping_add(at), 0);
            for _ in 0..self.steps {
                let mut line = [L::zero(); V];
                for v in 0..V {
                    // SAFETY: a step of B.
                    line[v] = L::load(unsafe { &*b.wrapping_add(v * W).cast() });
                }
                if self.ahead {
                    for next in (V * W..2 * V * W).step_by(LINE) {
                        L::prefetch_into_l2(b.wrapping_add(next));
                    }
                }
                for r in 0..R {
                    // SAFETY: a step of A.
                    let x = unsafe { *a.rows[r].wrapping_add(step) };
                    for v in 0..V {
                        sums[r][v] = line[v].mul_add(x, sums[r][v]);
                    }
                }
                (b, step) = (b.wrapping_add(self.b_row), step + a.step);
            }
            for r in 0..R {
                for v in 0..V {
                    // SAFETY: as above.
                    sums[r][v].store(unsafe { &mut *c(r, v) });
                }
            }
        }
        end
    }

    /// From this column on, vector by vector.
    ///
    /// # Safety
    /// As [`Lines::whole`].
    #[inline(always)]
    unsafe fn end<L: Vector<W>, const W: usize, const R: usize>(&self, a: &Left<L, R>, from: usize) {
        for at in (from..self.len).step_by(W) {
            let len = W.min(self.len - at);
            for r in 0..R {
                let c = self.c.wrapping_add(r * self.c_row + at);
                // SAFETY: so much is left of a row of C.
                let c = unsafe { std::slice::from_raw_parts_mut(c, len) };
                let mut sum = if a.current { L::load_some(c) } else { a.begin[r] };
                for step in 0..self.steps {
                    let b = self.b.wrapping_add(step * self.b_row + at);
                    // SAFETY: so much is left of a row of B, and a step of A.
                    let (b, x) = unsafe {
                        (std::slice::from_raw_parts(b, len), *a.rows[r].wrapping_add(step * a.step))
                    };
                    sum = L::load_some(b).mul_add(x, sum);
                }
                sum.store_some(c);
            }
        }
    }
}
