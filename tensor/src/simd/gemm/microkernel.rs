//! The microkernel of every f32 product: C ← begin + A·B, a tile of C at a time.
//!
//! A tile's numbers stay in registers while the sum runs: each step adds the outer product of a column of A and a row
//! of B, so a step of 6 × 16 numbers is 12 fused multiply-adds of eight lanes for 8 loads. That keeps both multiply-add
//! units busy, as long as there are enough sums that do not wait for each other (each takes four cycles) and they all
//! fit the registers, beside a row of B and a number of A in all lanes.
//!
//! Tiles under one another read the same columns of B: a *strip* is computed in one call.

use crate::simd::Isa;
use crate::simd::vector::{Lanes, Plain, on_isa};
#[cfg(target_arch = "x86_64")]
use crate::simd::vector::{Narrow, Wide};
use std::hint::black_box;

/// What the accumulators hold before the first multiply-add.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Begin {
    /// Zeros.
    Zero,
    /// C in memory: a partial sum, or what is to be added to.
    Current,
    /// One number per row, as a bias; points at as many as there are rows.
    Rows(*const f32),
}

/// Rows of A: in panels as wide as a tile is high, or as they lie in memory. Either rows or steps are neighbours.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rows {
    pub(crate) start: *const f32,
    /// From one row of a tile to the next.
    pub(crate) apart: usize,
    /// From one step of the sum to the next.
    pub(crate) step: usize,
    /// From the first row of a whole tile to the first row of the next.
    pub(crate) next: usize,
}

/// Columns of B, neighbours in memory.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Columns {
    pub(crate) start: *const f32,
    /// From one step of the sum to the next.
    pub(crate) step: usize,
    /// A place for them without gaps, from which all tiles but the first read them.
    pub(crate) copy: Option<*mut f32>,
}

/// Memory to be brought nearer meanwhile by the first tiles: for each step of the sum some cache lines. The other tiles
/// fetch the panel of A that is next.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ahead {
    pub(crate) start: *const f32,
    /// From a line to the same one of the next step.
    pub(crate) step: usize,
    /// From one line to the next of the same step.
    pub(crate) next: usize,
    /// Lines for each step.
    pub(crate) lines: usize,
}

/// Some rows of C and a tile's width of columns, and some steps of the sum.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Strip {
    /// At least 1.
    pub(crate) rows: usize,
    pub(crate) steps: usize,
    pub(crate) a: Rows,
    pub(crate) b: Columns,
    pub(crate) c: *mut f32,
    /// From one row of C to the next.
    pub(crate) c_row: usize,
    pub(crate) begin: Begin,
    pub(crate) ahead: Ahead,
    /// So many of a tile's steps, the last ones, bring the tile below nearer once more: for a panel of B that fills the
    /// first cache would have pushed it out again. At most `steps`.
    pub(crate) late: usize,
}

/// A vector type as the microkernel uses it.
pub(crate) trait Accumulator<const W: usize>: Lanes<W> {
    /// Most rows of tiles that are 1, 2, 3, 4 vectors wide: as many sums as registers can be spared. 0 where a tile so
    /// wide does not pay; the same for all widths up to that of panels.
    const MOST_ROWS: [usize; 4];
    /// The width of the tiles that panels are made for.
    const PANEL_VECTORS: usize;
    /// The width of the widest tiles.
    const WIDEST: usize = {
        let mut vectors = 4;
        while Self::MOST_ROWS[vectors - 1] == 0 {
            vectors -= 1;
        }
        vectors
    };
    /// Lines of [`Ahead`] that are fetched in a turn: if more were on their way from afar, the loads of this tile would
    /// wait for them. A divisor of [`TURN`].
    const FROM_AFAR: usize;
}

/// Steps in one turn of the loop.
const TURN: usize = 4;

impl Accumulator<16> for Plain {
    const MOST_ROWS: [usize; 4] = [4, 0, 0, 0];
    const PANEL_VECTORS: usize = 1;
    const FROM_AFAR: usize = 1;
}

#[cfg(target_arch = "x86_64")]
impl Accumulator<8> for Narrow {
    // Of 16 registers, 12 sum; 4 × 24 tiles would need one load less for a step, but leave no register free.
    const MOST_ROWS: [usize; 4] = [6, 6, 0, 0];
    const PANEL_VECTORS: usize = 2;
    const FROM_AFAR: usize = 1;
}

#[cfg(target_arch = "x86_64")]
impl Accumulator<16> for Wide {
    // Of 32 registers, 24 sum.
    const MOST_ROWS: [usize; 4] = [8, 8, 8, 6];
    const PANEL_VECTORS: usize = 3;
    const FROM_AFAR: usize = TURN;
}

/// What tiles look like with an instruction set.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shape {
    /// Numbers in a vector register: a strip's columns are a multiple of it.
    pub(crate) lanes: usize,
    /// The width of A's panels.
    pub(crate) rows: usize,
    /// The width of B's panels.
    pub(crate) cols: usize,
    /// As [`Accumulator::MOST_ROWS`].
    most_rows: [usize; 4],
}

impl Shape {
    pub(crate) fn of(isa: Isa) -> Shape {
        fn shape<L: Accumulator<W>, const W: usize>() -> Shape {
            let vectors = L::PANEL_VECTORS;
            let most_rows = L::MOST_ROWS;
            Shape { lanes: W, rows: most_rows[vectors - 1], cols: vectors * W, most_rows }
        }
        assert!(isa <= Isa::detected(), "{isa:?} is beyond this processor");
        on_isa!(isa, shape())
    }

    /// Rows of a whole tile that is so many vectors wide.
    pub(crate) fn most_rows(&self, vectors: usize) -> usize {
        self.most_rows[vectors - 1]
    }

    /// Columns of the widest tile.
    pub(crate) fn most_cols(&self) -> usize {
        self.most_rows.iter().filter(|&&rows| rows > 0).count() * self.lanes
    }
}

/// Numbers in a cache line.
pub(crate) const LINE: usize = 16;
/// The most columns of any instruction set's GEMM tile.
pub(crate) const MOST_COLS: usize = 48;

/// Computes a strip that is so many vectors wide.
///
/// # Safety
/// The processor has the instructions. A has the strip's rows and steps, B its steps and columns. C is valid for reads and
/// writes of its rows and columns, the bias for reads of its rows, and nobody else uses that part of C meanwhile.
pub(crate) unsafe fn run(isa: Isa, strip: &Strip, vectors: usize) {
    assert!(strip.a.apart == 1 || strip.a.step == 1, "rows or steps of A are neighbours");
    // SAFETY: as this function's.
    match strip.a.apart {
        1 => on_isa!(isa, in_panels(strip, vectors)),
        _ => on_isa!(isa, as_they_lie(strip, vectors)),
    }
}

#[inline(always)]
fn in_panels<L: Accumulator<W>, const W: usize>(strip: &Strip, vectors: usize) {
    any_width::<L, W, true>(strip, vectors);
}

#[inline(always)]
fn as_they_lie<L: Accumulator<W>, const W: usize>(strip: &Strip, vectors: usize) {
    any_width::<L, W, false>(strip, vectors);
}

/// Called by [`run`] alone, under whose promises.
#[inline(always)]
fn any_width<L: Accumulator<W>, const W: usize, const PANELS: bool>(strip: &Strip, vectors: usize) {
    // SAFETY: as `run` was promised.
    unsafe {
        match vectors {
            1 => tiles::<L, W, 1, PANELS>(strip),
            2 if L::MOST_ROWS[1] > 0 => tiles::<L, W, 2, PANELS>(strip),
            3 if L::MOST_ROWS[2] > 0 => tiles::<L, W, 3, PANELS>(strip),
            4 if L::MOST_ROWS[3] > 0 => tiles::<L, W, 4, PANELS>(strip),
            _ => unreachable!("no tile is {vectors} vectors wide"),
        }
    }
}

/// Fetches in a turn: those from afar, and in panels, whose rows take few registers, enough for all lines of A's next panel.
const fn fetches<L: Accumulator<W>, const W: usize, const PANELS: bool>() -> usize {
    if PANELS && L::FROM_AFAR < 2 { 2 } else { L::FROM_AFAR }
}

/// The tiles of a strip that is `V` vectors wide, from the top to the bottom.
///
/// # Safety
/// As [`run`].
#[inline(always)]
unsafe fn tiles<L: Accumulator<W>, const W: usize, const V: usize, const PANELS: bool>(strip: &Strip) {
    let nowhere = std::ptr::null_mut();
    let whole = L::MOST_ROWS[V - 1];
    // Rows of A whose order goes on across tiles may be cut anywhere.
    let evenly = strip.a.next == whole * strip.a.apart;
    let (mut b, mut b_step) = (strip.b.start, strip.b.step);
    let mut copy = strip.b.copy.filter(|_| strip.rows > whole);
    let mut row = 0;
    while row < strip.rows {
        let left = strip.rows - row;
        let rows = match left {
            _ if left <= whole => left,
            _ if copy.is_some() => whole,
            // One or two rows by themselves would wait for their own sums: the last two tiles share them.
            _ if evenly && left <= whole + 2 => left.div_ceil(2),
            _ => whole,
        };
        // So many tiles fetch one line of each step. The one that copies has enough to wait for.
        let share = TURN / L::FROM_AFAR;
        let tiles_above = row.div_ceil(whole) - usize::from(share > 1 && row > 0 && strip.b.copy.is_some());
        let (line, part) = (tiles_above / share, tiles_above % share);
        let fetches = fetches::<L, W, PANELS>();
        let (ahead, between, after) = if line < strip.ahead.lines {
            let Ahead { start, step, next, .. } = strip.ahead;
            let start = start.wrapping_add(line * next + part * (strip.steps / share) * step);
            // A line is asked for again where a turn has more fetches than it may have lines.
            (start, if fetches > L::FROM_AFAR { 0 } else { step }, step)
        } else if PANELS {
            let step = TURN / fetches * strip.a.step;
            (strip.a.start.wrapping_add((row / whole + 1) * strip.a.next), step, step)
        } else {
            (b, 0, 0)
        };
        let tile = Tile::<PANELS> {
            steps: strip.steps,
            a: strip.a.start.wrapping_add(row / whole * strip.a.next + row % whole * strip.a.apart),
            a_row: strip.a.apart,
            a_step: strip.a.step,
            b,
            b_step,
            c: strip.c.wrapping_add(row * strip.c_row),
            c_row: strip.c_row,
            begin: match strip.begin {
                Begin::Rows(bias) => Begin::Rows(bias.wrapping_add(row)),
                same => same,
            },
            ahead,
            between,
            after,
            late: strip.late,
        };
        // SAFETY: rows of the strip.
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
            (b, b_step) = (panel, V * W);
        }
        row += rows;
    }
}

/// One tile: where its operands and its place in C begin. In panels, A's rows are neighbours: their places are part of the
/// instructions then, and several steps go by in one turn of the loop.
#[derive(Clone, Copy)]
struct Tile<const PANELS: bool> {
    steps: usize,
    a: *const f32,
    a_row: usize,
    a_step: usize,
    b: *const f32,
    b_step: usize,
    c: *mut f32,
    c_row: usize,
    begin: Begin,
    ahead: *const f32,
    /// From one fetch of a turn to the next.
    between: usize,
    /// From the last fetch of a turn to the first of the next.
    after: usize,
    late: usize,
}

impl<const PANELS: bool> Tile<PANELS> {
    /// # Safety
    /// `R` rows and `V` vectors from these places on are as [`run`] asks for; so is `copy`, if B is to be copied.
    #[inline(always)]
    unsafe fn compute<L: Accumulator<W>, const W: usize, const R: usize, const V: usize, const COPY: bool>(
        mut self,
        mut copy: *mut f32,
    ) {
        let mut sums = [[L::zero(); V]; R];
        let Tile::<PANELS> { c, c_row, .. } = self;
        let c = |r: usize, v: usize| c.wrapping_add(r * c_row + v * W).cast::<[f32; W]>();
        // SAFETY: within the tile of C, or the `R` numbers of a bias, as the caller promises.
        unsafe {
            match self.begin {
                Begin::Zero => {}
                Begin::Current => {
                    for r in 0..R {
                        for v in 0..V {
                            sums[r][v] = L::load(&*c(r, v));
                        }
                    }
                }
                Begin::Rows(bias) => {
                    for r in 0..R {
                        sums[r] = [L::splat(*bias.add(r)); V];
                    }
                }
            }
        }
        // Of other rows, half are found from a place of their own, at a distance that the compiler cannot know: it would
        // otherwise find each row from the one before, and steps would wait for that chain of additions.
        let mut far =
            if PANELS { self.a } else { self.a.wrapping_add(R.div_ceil(2) * black_box(self.a_row)) };
        // The tile below is probably next.
        for r in R..2 * R {
            for v in (0..V).step_by(LINE / W) {
                L::fetch(c(r, v).cast());
            }
        }
        let early = self.steps - self.late;
        let turns = if !COPY { early / TURN } else { 0 };
        let fetches = fetches::<L, W, PANELS>();
        for _ in 0..turns {
            for i in 0..TURN {
                if i % (TURN / fetches) == 0 {
                    self.fetch_ahead::<L, W>(if i + TURN / fetches < TURN {
                        self.between
                    } else {
                        self.after
                    });
                }
                // SAFETY: a step of A, B and the copy.
                unsafe { self.step::<L, W, R, V, COPY>(&mut sums, &mut far, &mut copy) };
            }
        }
        for _ in turns * TURN..early {
            if fetches == TURN {
                self.fetch_ahead::<L, W>(self.after);
            }
            // SAFETY: as above.
            unsafe { self.step::<L, W, R, V, COPY>(&mut sums, &mut far, &mut copy) };
        }
        // Both ends of each row.
        let (mut below, mut next) = (c(R, 0).cast::<f32>(), V * W - 1);
        for _ in 0..self.late {
            L::fetch(below);
            below = below.wrapping_add(next);
            next = c_row - next;
            // SAFETY: as above.
            unsafe { self.step::<L, W, R, V, COPY>(&mut sums, &mut far, &mut copy) };
        }
        for r in 0..R {
            for v in 0..V {
                // SAFETY: within the tile of C.
                sums[r][v].store(unsafe { &mut *c(r, v) });
            }
        }
    }

    #[inline(always)]
    fn fetch_ahead<L: Lanes<W>, const W: usize>(&mut self, step: usize) {
        L::fetch_into_l2(self.ahead);
        self.ahead = self.ahead.wrapping_add(step);
    }

    /// Adds one step's products, and goes on to the next.
    ///
    /// # Safety
    /// There is such a step of A and B, and room for it in the copy.
    #[inline(always)]
    unsafe fn step<L: Lanes<W>, const W: usize, const R: usize, const V: usize, const COPY: bool>(
        &mut self,
        sums: &mut [[L; V]; R],
        far: &mut *const f32,
        copy: &mut *mut f32,
    ) {
        let mut row_of_b = [L::zero(); V];
        for v in 0..V {
            // SAFETY: this step of B.
            row_of_b[v] = L::load(unsafe { &*self.b.wrapping_add(v * W).cast() });
        }
        if COPY {
            for v in 0..V {
                // SAFETY: this step of the copy.
                row_of_b[v].store(unsafe { &mut *copy.wrapping_add(v * W).cast() });
            }
            *copy = copy.wrapping_add(V * W);
        }
        let half = R.div_ceil(2);
        for r in 0..R {
            let a = match PANELS {
                true => self.a.wrapping_add(r),
                false if r < half => self.a.wrapping_add(r * self.a_row),
                false => far.wrapping_add((r - half) * self.a_row),
            };
            // SAFETY: this step of A.
            let x = unsafe { *a };
            for v in 0..V {
                sums[r][v] = row_of_b[v].mul_add(x, sums[r][v]);
            }
        }
        let step = if PANELS { self.a_step } else { 1 };
        self.a = self.a.wrapping_add(step);
        *far = far.wrapping_add(step);
        self.b = self.b.wrapping_add(self.b_step);
    }
}
