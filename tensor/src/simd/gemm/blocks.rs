use crate::simd::Isa;

/// How far the driver's loops go before the next one begins: by what the caches of processors with these
/// instructions hold, found by measuring.
pub(super) struct Blocks {
    pub(super) rows: usize,
    pub(super) depth: usize,
    pub(super) cols: usize,
    /// Most rows of C for which B is read where it lies.
    pub(super) few_rows: usize,
    /// But not if it has more rows than a cache of so many numbers holds at their distance: rows a multiple of 4 KB apart share
    /// a few of its places.
    pub(super) cache: usize,
}

impl Blocks {
    pub(super) fn of(isa: Isa) -> Blocks {
        match isa {
            Isa::Avx512 => Blocks { rows: 1024, depth: 768, cols: 96, few_rows: 4096, cache: usize::MAX },
            Isa::Avx2 | Isa::Portable => {
                Blocks { rows: 144, depth: 512, cols: 192, few_rows: 144, cache: 1 << 17 }
            }
        }
    }
}
