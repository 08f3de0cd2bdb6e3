//! The bookkeeping of a pool of blocks. Training repeats its shapes, so after the first step the pool serves nearly every
//! request with a block that an earlier tensor gave back.

use std::collections::BTreeMap;
use std::ptr::NonNull;

/// Every block begins at a multiple of this: one cache line, one AVX-512 register.
pub(super) const ALIGNMENT: usize = 64;

/// What the pool holds, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PoolStats {
    /// In buffers that are alive.
    pub in_use: usize,
    /// In idle blocks, to be used again.
    pub idle: usize,
    /// Asked of the system's allocator since the program began: stands still once shapes repeat.
    pub allocated: u64,
    /// The most that was in use at once.
    pub peak_in_use: usize,
}

/// A block of memory: all of it initialised (zeroed by the system, or holding what an earlier owner left). Or an imagined
/// one, of a rehearsal, which has a size and no memory.
pub(crate) struct Block {
    /// `None` for an imagined one.
    pub(super) start: Option<NonNull<u8>>,
    pub(super) bytes: usize,
}

// SAFETY: a block is plain memory that its holder owns alone.
unsafe impl Send for Block {}

impl Block {
    /// A block of a rehearsal.
    pub(crate) fn imagined(bytes: usize) -> Block {
        Block { start: None, bytes }
    }
}

/// The idle blocks, by size, and counts of all.
pub(crate) struct Pool {
    free: BTreeMap<usize, Vec<Block>>,
    stats: PoolStats,
}

/// Sizes are rounded up to eighths of a power of two, so that near-equal requests share blocks.
fn size_class(bytes: usize) -> usize {
    let step = (bytes.next_power_of_two() / 16).max(ALIGNMENT);
    bytes.max(1).next_multiple_of(step)
}

impl Pool {
    pub(crate) const fn new() -> Pool {
        let stats = PoolStats { in_use: 0, idle: 0, allocated: 0, peak_in_use: 0 };
        Pool { free: BTreeMap::new(), stats }
    }

    pub(crate) fn stats(&self) -> PoolStats {
        self.stats
    }

    /// A block of at least `bytes`, and of twice as many at most; a `fresh` one if none that is idle will do.
    ///
    /// Blocks that fit more closely would leave more of them idle: a step with other sizes at its end than at its beginning
    /// would hold a quarter more than was ever in use at once.
    pub(crate) fn take(&mut self, bytes: usize, fresh: impl FnOnce(usize) -> Block) -> Block {
        let wanted = size_class(bytes);
        let found = self.free.range(wanted..=2 * wanted).next().map(|(&size, _)| size);
        let block = found.and_then(|size| self.pop(size)).unwrap_or_else(|| {
            let block = fresh(wanted);
            self.stats.allocated += wanted as u64;
            block
        });
        self.stats.in_use += block.bytes;
        self.stats.peak_in_use = self.stats.peak_in_use.max(self.stats.in_use);
        block
    }

    fn pop(&mut self, size: usize) -> Option<Block> {
        let blocks = self.free.get_mut(&size)?;
        let block = blocks.pop();
        if blocks.is_empty() {
            self.free.remove(&size);
        }
        self.stats.idle -= size;
        block
    }

    /// Takes a block back.
    pub(crate) fn give(&mut self, block: Block) {
        self.stats.in_use -= block.bytes;
        self.stats.idle += block.bytes;
        self.free.entry(block.bytes).or_default().push(block);
    }

    /// Every idle block, which the pool then no longer has.
    pub(super) fn take_idle(&mut self) -> impl Iterator<Item = Block> + use<> {
        self.stats.idle = 0;
        std::mem::take(&mut self.free).into_values().flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn size_classes_waste_at_most_an_eighth() {
        for bytes in (1..5000).chain([1 << 20, (1 << 20) + 1, 12_345_678]) {
            let class = size_class(bytes);
            assert!(class >= bytes && class.is_multiple_of(ALIGNMENT));
            assert!(class - bytes <= (bytes / 8).max(ALIGNMENT), "{bytes} -> {class}");
        }
    }
}
