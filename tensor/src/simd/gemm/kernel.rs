//! The microkernel: one tile of C held in registers while k runs.

use crate::simd::Isa;

/// What the accumulators of a tile hold before the first multiply-add.
#[derive(Debug, Clone, Copy)]
pub(super) enum Begin {
    /// Zeros.
    Zero,
    /// The tile of C in memory: a partial sum over smaller k, or what is to be added to.
    Tile,
    /// One number per row, as a bias; points at as many as there are rows.
    Rows(*const f32),
}

/// Some rows of A: a panel, or as they lie in memory.
#[derive(Debug, Clone, Copy)]
pub(super) struct Lanes {
    pub(super) start: *const f32,
    /// From one row to the next.
    pub(super) apart: usize,
    /// From one step of the sum to the next.
    pub(super) step: usize,
}

/// Computes `rows` × `cols` of a tile: `tile(rows, cols, k, a, b, c, c_row_stride, begin)`.
///
/// # Safety
/// `a` has `rows` lanes of `k` steps, `b` points at a panel of as many, `nr` numbers each. `c` is valid for reads and writes of
/// `rows` rows, `c_row_stride` apart, of `cols` rounded up to `lanes` numbers. 1 ≤ `rows` ≤ `mr`,
/// 1 ≤ `cols` ≤ `nr`. The processor has the kernel's instruction set.
pub(super) type Tile = unsafe fn(usize, usize, usize, Lanes, *const f32, *mut f32, usize, Begin);

/// A microkernel and the shape of its tile.
pub(super) struct Kernel {
    /// Rows of a tile: the width of A's panels.
    pub(super) mr: usize,
    /// Columns of a tile: the width of B's panels.
    pub(super) nr: usize,
    /// Numbers in a vector register: a tile's stores come in multiples of it.
    pub(super) lanes: usize,
    pub(super) blocks: Blocks,
    pub(super) tile: Tile,
}

/// How far the driver's loops go before the next one begins: by what the caches of processors with these
/// instructions hold, found by measuring.
pub(super) struct Blocks {
    pub(super) rows: usize,
    pub(super) depth: usize,
    pub(super) cols: usize,
}

impl Kernel {
    /// The kernel of an instruction set, which must not exceed what the processor has.
    pub(super) fn of(isa: Isa) -> &'static Kernel {
        assert!(isa <= Isa::detected(), "{isa:?} is beyond this processor");
        match isa {
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512 => &super::avx512::KERNEL,
            #[cfg(target_arch = "x86_64")]
            Isa::Avx2 => &super::avx2::KERNEL,
            _ => &super::portable::KERNEL,
        }
    }
}

/// The widest tile of any kernel, for the buffer that incomplete tiles go through.
pub(super) const MOST_ROWS: usize = 8;
/// The same for columns.
pub(super) const MOST_COLS: usize = 48;
