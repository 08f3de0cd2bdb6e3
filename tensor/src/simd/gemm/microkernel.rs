//! The microkernel of every f32 product: one tile of C ← start + A·B.
//!
//! The tile's numbers stay in registers while the sum over k runs. Each step of it adds the outer product of a column of A and
//! a row of B: for a tile of 6 × 16, two vectors of B are loaded, six numbers of A are broadcast to all lanes of a register, and
//! 12 fused multiply-adds follow. Both multiply-add units stay busy if the tile has enough independent accumulators to hide
//! the four cycles that a multiply-add takes, and if the accumulators, a row of B and a broadcast number of A fit the registers.

use super::start::Start;
use crate::simd::Isa;
#[cfg(target_arch = "aarch64")]
use crate::simd::vector::NeonVector;
#[cfg(all(target_family = "wasm", target_feature = "simd128"))]
use crate::simd::vector::Simd128Vector;
#[cfg(target_arch = "x86_64")]
use crate::simd::vector::{Avx2Vector, Avx512Pairs, Avx512Vector};
use crate::simd::vector::{PortableVector, Vector, behind, on_isa};
use std::hint::black_box;
use std::ops::Range;

/// A vector type as the microkernel uses it.
pub(crate) trait Accumulator<const W: usize>: Vector<W> {
    /// The most rows of tiles that are 1, 2, 3, 4 vectors wide: as many accumulators as the register file has room for. 0 for a
    /// width that does not pay; the same for all widths up to that of panels.
    const MAX_ROWS: [usize; 4];
    /// The width, in vectors, of the tiles that panels are packed for.
    const PANEL_VECTORS: usize;
    /// The width, in vectors, of the widest tiles.
    const MAX_VECTORS: usize = {
        let mut vectors = 4;
        while Self::MAX_ROWS[vectors - 1] == 0 {
            vectors -= 1;
        }
        vectors
    };
    /// How many cache lines of a [`Prefetch`](super::strip::Prefetch) an unrolled iteration requests. With more requests in
    /// flight to a far cache, this tile's own loads would wait behind them. A divisor of [`UNROLL`].
    const FAR_PREFETCHES: usize;
    /// Of a row of A that lies in memory, how many steps' numbers are loaded at once, each to be used from its lane: 1 or [`UNROLL`].
    const STEPS_OF_A: usize = 1;
}

/// Steps of the sum in one unrolled iteration of the loop.
pub(super) const UNROLL: usize = 4;

impl Accumulator<16> for PortableVector {
    const MAX_ROWS: [usize; 4] = [4, 0, 0, 0];
    const PANEL_VECTORS: usize = 1;
    const FAR_PREFETCHES: usize = 1;
}

#[cfg(target_arch = "aarch64")]
impl Accumulator<4> for NeonVector {
    // 24 of 32 registers are accumulators.
    const MAX_ROWS: [usize; 4] = [8, 8, 8, 6];
    const PANEL_VECTORS: usize = 3;
    const FAR_PREFETCHES: usize = 1;
    const STEPS_OF_A: usize = UNROLL;
}

#[cfg(all(target_family = "wasm", target_feature = "simd128"))]
impl Accumulator<4> for Simd128Vector {
    // 12 of the 15 registers that an engine has on x86-64 are accumulators.
    const MAX_ROWS: [usize; 4] = [6, 6, 0, 0];
    const PANEL_VECTORS: usize = 2;
    const FAR_PREFETCHES: usize = 1;
}

#[cfg(target_arch = "x86_64")]
impl Accumulator<8> for Avx2Vector {
    // 12 of 16 registers are accumulators. Tiles of 4 × 24 would load one number less in each step, but leave no register free.
    const MAX_ROWS: [usize; 4] = [6, 6, 0, 0];
    const PANEL_VECTORS: usize = 2;
    const FAR_PREFETCHES: usize = 1;
}

#[cfg(target_arch = "x86_64")]
impl Accumulator<16> for Avx512Vector {
    // 24 of 32 registers are accumulators.
    const MAX_ROWS: [usize; 4] = [8, 8, 8, 6];
    const PANEL_VECTORS: usize = 3;
    const FAR_PREFETCHES: usize = UNROLL;
}

#[cfg(target_arch = "x86_64")]
impl Accumulator<16> for Avx512Pairs {
    const MAX_ROWS: [usize; 4] = <Avx512Vector as Accumulator<16>>::MAX_ROWS;
    const PANEL_VECTORS: usize = <Avx512Vector as Accumulator<16>>::PANEL_VECTORS;
    const FAR_PREFETCHES: usize = <Avx512Vector as Accumulator<16>>::FAR_PREFETCHES;
}

/// The sizes of tiles with an instruction set.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TileShape {
    /// Numbers in a vector register. The width of a strip is a multiple of it.
    pub(crate) lanes: usize,
    /// Rows of a tile, which is the width of A's panels.
    pub(crate) rows: usize,
    /// Columns of a tile, which is the width of B's panels.
    pub(crate) cols: usize,
    /// As [`Accumulator::MAX_ROWS`].
    max_rows: [usize; 4],
}

impl TileShape {
    /// # Panics
    /// When the processor does not have the instruction set: whoever has a shape may run the microkernel.
    pub(crate) fn of(isa: Isa) -> TileShape {
        fn shape<L: Accumulator<W>, const W: usize>() -> TileShape {
            let vectors = L::PANEL_VECTORS;
            let max_rows = L::MAX_ROWS;
            TileShape { lanes: W, rows: max_rows[vectors - 1], cols: vectors * W, max_rows }
        }
        assert!(isa.is_available(), "{isa:?} is beyond this processor");
        on_isa!(isa, shape())
    }

    /// Rows of a whole tile that is this many vectors wide.
    pub(crate) fn max_rows(&self, vectors: usize) -> usize {
        self.max_rows[vectors - 1]
    }

    /// Columns of the widest tile.
    pub(crate) fn max_cols(&self) -> usize {
        self.max_rows.iter().filter(|&&rows| rows > 0).count() * self.lanes
    }
}

/// Numbers in a cache line.
pub(crate) const LINE: usize = 16;
/// The most columns of a tile that panels are packed for, over all instruction sets.
pub(super) const MAX_COLS: usize = 48;

/// Prefetches in an unrolled iteration: at least the far ones; and over panels of A, whose addressing takes few registers,
/// enough to request every line of A's next panel.
pub(super) const fn prefetches<L: Accumulator<W>, const W: usize, const PANELS: bool>() -> usize {
    if PANELS && L::FAR_PREFETCHES < 2 { 2 } else { L::FAR_PREFETCHES }
}

/// One tile: where its operands and its part of C are. With `PANELS`, A's rows are neighbours in memory, so their offsets are
/// constants of the instructions, and the loop over steps is unrolled.
#[derive(Clone, Copy)]
pub(super) struct Tile<'a, const PANELS: bool> {
    pub(super) steps: usize,
    pub(super) a: *const f32,
    pub(super) a_row_stride: usize,
    pub(super) a_step_stride: usize,
    pub(super) b: *const f32,
    pub(super) b_step_stride: usize,
    pub(super) c: *mut f32,
    pub(super) c_row_stride: usize,
    pub(super) start: Start<'a>,
    /// The next address to prefetch.
    pub(super) prefetch: *const f32,
    /// From one prefetch of an unrolled iteration to the next.
    pub(super) prefetch_stride: usize,
    /// From the last prefetch of an iteration to the first of the next.
    pub(super) iteration_stride: usize,
    /// As [`Strip::late_steps`](super::strip::Strip::late_steps).
    pub(super) late_steps: usize,
}

impl<const PANELS: bool> Tile<'_, PANELS> {
    /// Computes the tile: `R` rows, `V` vectors of columns. With `COPY`, B's part is also written to `copy` without gaps.
    ///
    /// # Safety
    /// The processor has the instructions of `L`. For `R` rows, `V` vectors and `self.steps` steps, A and B are valid for reads
    /// at their strides, C is valid for reads and writes, and no other thread accesses that part of C during the call. With
    /// `COPY`, `copy` is valid for writes of `steps` · `V` · `W` numbers that overlap none of these.
    #[inline(always)]
    pub(super) unsafe fn compute<
        L: Accumulator<W>,
        const W: usize,
        const R: usize,
        const V: usize,
        const COPY: bool,
    >(
        mut self,
        mut copy: *mut f32,
    ) {
        let mut sums = [[L::zero(); V]; R];
        let Tile { c, c_row_stride, .. } = self;
        let c = |r: usize, v: usize| c.wrapping_add(r * c_row_stride + v * W).cast::<[f32; W]>();
        match self.start {
            Start::Zero => {}
            Start::Current => {
                for r in 0..R {
                    for v in 0..V {
                        // SAFETY: r < R and v < V, so this vector is inside the tile of C, which the caller lets us read.
                        sums[r][v] = L::load(unsafe { &*c(r, v) });
                    }
                }
            }
            Start::Rows(bias) => {
                for r in 0..R {
                    sums[r] = [L::splat(bias[r]); V];
                }
            }
            Start::Columns(bias) => {
                for v in 0..V {
                    let row = L::load_some(behind(bias, v * W));
                    for r in 0..R {
                        sums[r][v] = row;
                    }
                }
            }
        }
        // Outside of panels, the lower half of A's rows is addressed from a pointer of its own, at a distance that the compiler
        // cannot know. Otherwise it would compute each row's address from the one before, and every step would wait for that
        // chain of additions.
        let mut a_lower =
            if PANELS { self.a } else { self.a.wrapping_add(R.div_ceil(2) * black_box(self.a_row_stride)) };
        // A second pointer to B, which the compiler takes for another one: `steps` loads B's vectors twice.
        let mut b_again = if L::STEPS_OF_A > 1 { black_box(self.b) } else { self.b };
        // The tile below is probably computed next.
        for r in R..2 * R {
            for v in (0..V).step_by(LINE / W) {
                L::prefetch(c(r, v).cast());
            }
        }
        let early = self.steps - self.late_steps;
        let iterations = if !COPY { early / UNROLL } else { 0 };
        let prefetches = prefetches::<L, W, PANELS>();
        for _ in 0..iterations {
            if !PANELS && L::STEPS_OF_A == UNROLL {
                self.prefetch_next::<L, W>(self.iteration_stride);
                // SAFETY: at least UNROLL steps are left, so the caller vouches for the next ones of A and B.
                unsafe { self.steps::<L, W, R, V>(&mut sums, &mut a_lower, &mut b_again) };
                continue;
            }
            for i in 0..UNROLL {
                if i % (UNROLL / prefetches) == 0 {
                    self.prefetch_next::<L, W>(if i + UNROLL / prefetches < UNROLL {
                        self.prefetch_stride
                    } else {
                        self.iteration_stride
                    });
                }
                // SAFETY: fewer than `steps` steps were taken so far, so the caller vouches for the next one of A and B.
                unsafe { self.step::<L, W, R, V, COPY>(&mut sums, &mut a_lower, &mut copy) };
            }
        }
        for _ in iterations * UNROLL..early {
            if prefetches == UNROLL {
                self.prefetch_next::<L, W>(self.iteration_stride);
            }
            // SAFETY: fewer than `steps` steps were taken so far, so the caller vouches for the next one of A, B and the copy.
            unsafe { self.step::<L, W, R, V, COPY>(&mut sums, &mut a_lower, &mut copy) };
        }
        // The first and the last number of each row of the tile below.
        let (mut below, mut next) = (c(R, 0).cast::<f32>(), V * W - 1);
        for _ in 0..self.late_steps {
            L::prefetch(below);
            below = below.wrapping_add(next);
            next = c_row_stride - next;
            // SAFETY: these are the last `late_steps` of `steps` steps, so the caller vouches for each of A, B and the copy.
            unsafe { self.step::<L, W, R, V, COPY>(&mut sums, &mut a_lower, &mut copy) };
        }
        for r in 0..R {
            for v in 0..V {
                // SAFETY: r < R and v < V, so this vector is inside the tile of C, which is the caller's alone to write.
                sums[r][v].store(unsafe { &mut *c(r, v) });
            }
        }
    }

    #[inline(always)]
    fn prefetch_next<L: Vector<W>, const W: usize>(&mut self, stride: usize) {
        L::prefetch_into_l2(self.prefetch);
        self.prefetch = self.prefetch.wrapping_add(stride);
    }

    /// Adds one step's products to the accumulators, and advances all pointers to the next step.
    ///
    /// # Safety
    /// A and B are valid for reads of this step's `R` numbers and `V` vectors; with `COPY`, `copy` is valid for writes of `V`
    /// vectors.
    #[inline(always)]
    unsafe fn step<L: Vector<W>, const W: usize, const R: usize, const V: usize, const COPY: bool>(
        &mut self,
        sums: &mut [[L; V]; R],
        a_lower: &mut *const f32,
        copy: &mut *mut f32,
    ) {
        let mut row_of_b = [L::zero(); V];
        for v in 0..V {
            // SAFETY: v < V, so this vector is part of the step of B that the caller vouches for.
            row_of_b[v] = L::load(unsafe { &*self.b.wrapping_add(v * W).cast() });
        }
        if COPY {
            for v in 0..V {
                // SAFETY: v < V, so the caller vouches for this vector of the copy.
                row_of_b[v].store(unsafe { &mut *copy.wrapping_add(v * W).cast() });
            }
            *copy = copy.wrapping_add(V * W);
        }
        let half = R.div_ceil(2);
        if PANELS {
            // SAFETY: with `PANELS` these `R` neighbours are the step of A that the caller vouches for.
            L::add_outer_product(unsafe { &*self.a.cast::<[f32; R]>() }, &row_of_b, sums);
        } else {
            for r in 0..R {
                let a = match r < half {
                    true => self.a.wrapping_add(r * self.a_row_stride),
                    false => a_lower.wrapping_add((r - half) * self.a_row_stride),
                };
                // SAFETY: r < R, so this number is part of the step of A that the caller vouches for.
                let x = unsafe { *a };
                for v in 0..V {
                    sums[r][v] = row_of_b[v].mul_add(x, sums[r][v]);
                }
            }
        }
        let step = if PANELS { self.a_step_stride } else { 1 };
        self.a = self.a.wrapping_add(step);
        *a_lower = a_lower.wrapping_add(step);
        self.b = self.b.wrapping_add(self.b_step_stride);
    }

    /// [`UNROLL`] steps at once, where A lies in memory: a vector of each of its rows has the numbers of all of them.
    ///
    /// # Safety
    /// A and B are valid for reads of `R` rows and `V` vectors of these steps.
    #[inline(always)]
    unsafe fn steps<L: Vector<W>, const W: usize, const R: usize, const V: usize>(
        &mut self,
        sums: &mut [[L; V]; R],
        a_lower: &mut *const f32,
        b_again: &mut *const f32,
    ) {
        let half = R.div_ceil(2);
        // SAFETY: the caller vouches for all rows, of which these two calls take the upper ones and the lower ones.
        unsafe {
            self.steps_of_rows::<L, W, R, V>(sums, (self.a, self.b), 0..half);
            self.steps_of_rows::<L, W, R, V>(sums, (*a_lower, *b_again), half..R);
        }
        let after = UNROLL * self.b_step_stride;
        (self.a, self.b) = (self.a.wrapping_add(UNROLL), self.b.wrapping_add(after));
        (*a_lower, *b_again) = (a_lower.wrapping_add(UNROLL), b_again.wrapping_add(after));
    }

    /// [`Tile::steps`] for some of the rows: vectors of all rows at once would not fit the registers.
    ///
    /// # Safety
    /// As of [`Tile::steps`]; the rows are among the `R`, `a` is where the first of them is, and `b` where B is.
    #[inline(always)]
    unsafe fn steps_of_rows<L: Vector<W>, const W: usize, const R: usize, const V: usize>(
        &self,
        sums: &mut [[L; V]; R],
        (a, b): (*const f32, *const f32),
        rows: Range<usize>,
    ) {
        let mut rows_of_a = [L::zero(); R];
        for r in rows.clone() {
            let a = a.wrapping_add((r - rows.start) * self.a_row_stride);
            // SAFETY: r < R, so the caller vouches for this row's numbers.
            rows_of_a[r] = L::load_some(unsafe { std::slice::from_raw_parts(a, UNROLL) });
        }
        for step in 0..UNROLL {
            let b = b.wrapping_add(step * self.b_step_stride);
            for v in 0..V {
                // SAFETY: v < V, so the caller vouches for this vector of the step of B.
                let x = L::load(unsafe { &*b.wrapping_add(v * W).cast() });
                for r in rows.clone() {
                    sums[r][v] = x.mul_add_lane(rows_of_a[r], step, sums[r][v]);
                }
            }
        }
    }
}
