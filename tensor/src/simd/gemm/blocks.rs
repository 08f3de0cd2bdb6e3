use crate::simd::Isa;

/// How far the driver's loops go before the next one begins: by what the caches of processors with these
/// instructions hold, found by measuring.
pub(super) struct Blocks {
    pub(super) rows: usize,
    pub(super) depth: usize,
    pub(super) cols: usize,
    /// Most rows of C for which B is read where it lies.
    pub(super) few_rows: usize,
    /// But not if its rows are a multiple of so many numbers apart: all caches would keep them in the same few places.
    pub(super) alike: usize,
}

impl Blocks {
    pub(super) fn of(isa: Isa) -> Blocks {
        match isa {
            Isa::Avx512 => Blocks { rows: 1024, depth: 768, cols: 96, few_rows: 4096, alike: usize::MAX },
            Isa::Avx2 | Isa::Portable => {
                Blocks { rows: 144, depth: 512, cols: 192, few_rows: 144, alike: 1 << 12 }
            }
        }
    }
}
