//! Strips: tiles of C under one another, which read the same columns of B and are computed in one call.

use super::microkernel::{Accumulator, Tile, UNROLL, prefetches};
use super::pack::Words;
use super::start::Start;
use crate::simd::Isa;
#[cfg(target_arch = "x86_64")]
use crate::simd::isa::with_dot_products;
#[cfg(target_arch = "x86_64")]
use crate::simd::vector::Avx512Pairs;
use crate::simd::vector::on_isa;

/// Rows of A: in panels as wide as a tile is high, or as they lie in memory. Rows or steps are neighbours in memory.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RowsOfA {
    pub(crate) start: *const f32,
    /// From one row of a tile to the next.
    pub(crate) row_stride: usize,
    /// From one step of the sum to the next.
    pub(crate) step_stride: usize,
    /// From the first row of a whole tile to the first row of the next.
    pub(crate) tile_stride: usize,
    /// What is read there, and from B: pairs in panels only.
    pub(crate) words: Words,
}

/// Columns of B, neighbours in memory.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ColumnsOfB {
    pub(crate) start: *const f32,
    /// From one step of the sum to the next.
    pub(crate) step_stride: usize,
    /// Room for a copy without gaps: the first tile writes it, all others read it.
    pub(crate) copy: Option<*mut f32>,
}

/// Memory that the strip's first tiles request into the L2 cache: some cache lines for each step of the sum. Later tiles request
/// A's next panel.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Prefetch {
    pub(crate) start: *const f32,
    /// From a line of one step to the same line of the next step.
    pub(crate) step_stride: usize,
    /// From one line to the next of the same step.
    pub(crate) line_stride: usize,
    /// Lines for each step.
    pub(crate) lines: usize,
}

/// Some rows of C, at most a tile's width of its columns, and some steps of the sum.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Strip<'a> {
    /// At least 1.
    pub(crate) rows: usize,
    pub(crate) steps: usize,
    pub(crate) a: RowsOfA,
    pub(crate) b: ColumnsOfB,
    pub(crate) c: *mut f32,
    pub(crate) c_row_stride: usize,
    /// What C starts from, its first row being the strip's.
    pub(crate) start: Start<'a>,
    pub(crate) prefetch: Prefetch,
    /// In this many of a tile's steps, the last ones, the tile of C below is prefetched a second time: a panel of B that fills the
    /// L1 cache has evicted what was requested at the tile's beginning. At most `steps`.
    pub(crate) late_steps: usize,
}

impl Strip<'_> {
    /// Computes the strip, which is `vectors` registers wide.
    ///
    /// # Safety
    /// The processor has the instructions of `isa`, and dot products if A's words are pairs. A is valid for reads of `rows` rows and
    /// `steps` steps, B for reads of `steps` steps of `vectors` registers, and B's copy, if there is one, for writes of as many
    /// numbers. C is valid for reads and writes of `rows` rows of `vectors` registers, and no other thread accesses that part of C or
    /// of the copy during the call.
    pub(crate) unsafe fn compute(&self, isa: Isa, vectors: usize) {
        assert!(self.a.row_stride == 1 || self.a.step_stride == 1, "rows or steps of A are neighbours");
        match (self.a.words, self.a.row_stride) {
            #[cfg(target_arch = "x86_64")]
            // SAFETY: the caller vouches for the instructions, without which no operand has pairs.
            (Words::Pairs, 1) => unsafe {
                with_dot_products(
                    #[inline(always)]
                    || from_panels::<Avx512Pairs, 16>(self, vectors),
                );
            },
            (Words::Pairs, _) => unreachable!("pairs are packed, on a processor that multiplies them"),
            (Words::Numbers, 1) => on_isa!(isa, from_panels(self, vectors)),
            (Words::Numbers, _) => on_isa!(isa, from_memory(self, vectors)),
        }
    }
}

#[inline(always)]
fn from_panels<L: Accumulator<W>, const W: usize>(strip: &Strip<'_>, vectors: usize) {
    any_width::<L, W, true>(strip, vectors);
}

#[inline(always)]
fn from_memory<L: Accumulator<W>, const W: usize>(strip: &Strip<'_>, vectors: usize) {
    any_width::<L, W, false>(strip, vectors);
}

/// Must be called from [`Strip::compute`] only, whose caller vouches for the operands. (`on_isa!` takes safe functions.)
#[inline(always)]
fn any_width<L: Accumulator<W>, const W: usize, const PANELS: bool>(strip: &Strip<'_>, vectors: usize) {
    // SAFETY: `Strip::compute` is the only caller, and its own caller has vouched for A, B, C and the instructions, for this many
    // registers of columns.
    unsafe {
        match vectors {
            1 => tiles::<L, W, 1, PANELS>(strip),
            2 if L::MAX_ROWS[1] > 0 => tiles::<L, W, 2, PANELS>(strip),
            3 if L::MAX_ROWS[2] > 0 => tiles::<L, W, 3, PANELS>(strip),
            4 if L::MAX_ROWS[3] > 0 => tiles::<L, W, 4, PANELS>(strip),
            _ => unreachable!("no tile is {vectors} vectors wide"),
        }
    }
}

/// The tiles of a strip that is `V` vectors wide, from top to bottom.
///
/// # Safety
/// The promises of [`Strip::compute`], for `V` registers of columns.
#[inline(always)]
unsafe fn tiles<L: Accumulator<W>, const W: usize, const V: usize, const PANELS: bool>(strip: &Strip<'_>) {
    let nowhere = std::ptr::null_mut();
    let whole = L::MAX_ROWS[V - 1];
    // Rows of A whose distance is the same within tiles and from one tile to the next may be cut anywhere.
    let evenly = strip.a.tile_stride == whole * strip.a.row_stride;
    let (mut b, mut b_step_stride) = (strip.b.start, strip.b.step_stride);
    let mut copy = strip.b.copy.filter(|_| strip.rows > whole);
    let mut row = 0;
    while row < strip.rows {
        let left = strip.rows - row;
        let rows = match left {
            _ if left <= whole => left,
            _ if copy.is_some() => whole,
            // A tile of one or two rows would wait for its own accumulators: the last two tiles share the rows that are left.
            _ if evenly && left <= whole + 2 => left.div_ceil(2),
            _ => whole,
        };
        // `share` tiles together request one line of each step. The tile that copies B has enough loads to wait for.
        let share = UNROLL / L::FAR_PREFETCHES;
        let tiles_above = row.div_ceil(whole) - usize::from(share > 1 && row > 0 && strip.b.copy.is_some());
        let (line, part) = (tiles_above / share, tiles_above % share);
        let prefetches = prefetches::<L, W, PANELS>();
        let (prefetch, prefetch_stride, iteration_stride) = if line < strip.prefetch.lines {
            let Prefetch { start, step_stride, line_stride, .. } = strip.prefetch;
            let start = start.wrapping_add(line * line_stride + part * (strip.steps / share) * step_stride);
            // An iteration that has more prefetches than far lines requests the same line again.
            (start, if prefetches > L::FAR_PREFETCHES { 0 } else { step_stride }, step_stride)
        } else if PANELS {
            let stride = UNROLL / prefetches * strip.a.step_stride;
            (strip.a.start.wrapping_add((row / whole + 1) * strip.a.tile_stride), stride, stride)
        } else {
            (b, 0, 0)
        };
        let first_row = row / whole * strip.a.tile_stride + row % whole * strip.a.row_stride;
        let tile = Tile::<PANELS> {
            steps: strip.steps,
            a: strip.a.start.wrapping_add(first_row),
            a_row_stride: strip.a.row_stride,
            a_step_stride: strip.a.step_stride,
            b,
            b_step_stride,
            c: strip.c.wrapping_add(row * strip.c_row_stride),
            c_row_stride: strip.c_row_stride,
            start: strip.start.at_row(row),
            prefetch,
            prefetch_stride,
            iteration_stride,
            late_steps: strip.late_steps,
        };
        // SAFETY: the tile has `rows` of the strip's rows, from `row` on, and all of its columns and steps, which the caller has
        // vouched for; B's copy is read only after the first tile has written it.
        unsafe {
            match (rows, copy.take()) {
                (4, Some(to)) if whole == 4 => tile.compute::<L, W, 4, V, true>(to),
                (6, Some(to)) if whole == 6 => tile.compute::<L, W, 6, V, true>(to),
                (8, Some(to)) if whole == 8 => tile.compute::<L, W, 8, V, true>(to),
                (1, _) => tile.compute::<L, W, 1, V, false>(nowhere),
                (2, _) => tile.compute::<L, W, 2, V, false>(nowhere),
                (3, _) => tile.compute::<L, W, 3, V, false>(nowhere),
                (4, _) => tile.compute::<L, W, 4, V, false>(nowhere),
                (5, _) if whole >= 5 => tile.compute::<L, W, 5, V, false>(nowhere),
                (6, _) if whole >= 6 => tile.compute::<L, W, 6, V, false>(nowhere),
                (7, _) if whole >= 7 => tile.compute::<L, W, 7, V, false>(nowhere),
                (8, _) if whole >= 8 => tile.compute::<L, W, 8, V, false>(nowhere),
                _ => unreachable!("no tile has {rows} rows"),
            }
        }
        if let Some(panel) = strip.b.copy.filter(|_| row == 0) {
            (b, b_step_stride) = (panel, V * W);
        }
        row += rows;
    }
}
