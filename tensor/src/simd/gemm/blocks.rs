//! Block sizes: how much of an operand a loop of the driver takes at a time.

use crate::simd::Isa;

/// Found by measuring, on processors that have the instructions; those for NEON follow from the sizes of caches.
pub(super) struct Blocks {
    /// Rows of A whose panels stay in the L2 cache.
    pub(super) rows: usize,
    /// Steps of the sum.
    pub(super) depth: usize,
    /// Columns of B whose panels stay in the L2 cache.
    pub(super) cols: usize,
    /// The most rows of C for which B is read from memory instead of packed.
    pub(super) few_rows: usize,
    /// How many numbers of B the cache holds if B is read from memory. Rows a multiple of 4 KB apart share a few sets of the cache
    /// and use only part of it.
    pub(super) cache: usize,
}

impl Blocks {
    pub(super) fn of(isa: Isa) -> Blocks {
        match isa {
            Isa::Avx512 => Blocks { rows: 1024, depth: 768, cols: 96, few_rows: 4096, cache: usize::MAX },
            Isa::Neon => Blocks { rows: 256, depth: 512, cols: 192, few_rows: 256, cache: 1 << 17 },
            Isa::Avx2 | Isa::Simd128 | Isa::Portable => {
                Blocks { rows: 144, depth: 512, cols: 192, few_rows: 144, cache: 1 << 17 }
            }
        }
    }
}
