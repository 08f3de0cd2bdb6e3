//! Where buffers come from and go back to. Training repeats its shapes, so after the first step the pool
//! answers nearly every request with a block that an earlier tensor gave back.

use super::OutOfMemory;
use crate::rehearsal;
use std::alloc::{GlobalAlloc, Layout, System};
use std::collections::BTreeMap;
use std::ptr::NonNull;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Every block begins at a multiple of this: one cache line, one AVX-512 register.
pub(super) const ALIGNMENT: usize = 64;

/// The pages that large blocks are asked for in: a walk over a tensor then needs one address translation for 512 that
/// it would need otherwise.
const LARGE_PAGE: usize = 2 << 20;

/// What the pool holds, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PoolStats {
    /// In buffers that are alive.
    pub in_use: usize,
    /// In blocks that wait to be used again.
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

/// Blocks that wait, by size, and what is known of the others.
pub(crate) struct Pool {
    free: BTreeMap<usize, Vec<Block>>,
    stats: PoolStats,
}

static POOL: Mutex<Pool> = Mutex::new(Pool::new());

fn pool() -> MutexGuard<'static, Pool> {
    // The pool's own code leaves it sound when memory runs out, so a poisoned lock still guards a sound pool.
    POOL.lock().unwrap_or_else(PoisonError::into_inner)
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

    /// A block of at least `bytes`, and of twice as many at most; a `fresh` one if none that waits will do.
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
}

/// A block of at least `bytes`, and of twice as many at most; its contents are initialised but arbitrary.
///
/// # Panics
/// With [`OutOfMemory`] when the system has no more.
pub(super) fn take(bytes: usize) -> Block {
    if let Some(block) = rehearsal::take(bytes) {
        return block;
    }
    pool().take(bytes, |wanted| match fresh(wanted) {
        Some(block) => block,
        None => std::panic::panic_any(OutOfMemory { bytes: wanted }),
    })
}

/// Takes a block back.
pub(super) fn give(block: Block) {
    match block.start {
        Some(_) => pool().give(block),
        None => rehearsal::give(block),
    }
}

/// What the pool holds now.
pub fn stats() -> PoolStats {
    pool().stats()
}

/// Gives every idle block back to the system, as when a program goes from training to sampling.
pub fn trim() {
    let idle = {
        let mut pool = pool();
        pool.stats.idle = 0;
        std::mem::take(&mut pool.free)
    };
    for block in idle.into_values().flatten() {
        let Some(start) = block.start else { continue };
        // SAFETY: the block came from `fresh` with this very layout, and left the pool just now.
        unsafe { System.dealloc(start.as_ptr(), layout(block.bytes)) };
    }
}

fn layout(bytes: usize) -> Layout {
    // `size_class` keeps sizes non-zero, and `Shape` keeps them far below `isize::MAX`.
    let alignment = if bytes >= LARGE_PAGE { LARGE_PAGE } else { ALIGNMENT };
    Layout::from_size_align(bytes, alignment).expect("shapes bound the size of a buffer")
}

/// A block from the system, if it has one.
fn fresh(bytes: usize) -> Option<Block> {
    let layout = layout(bytes);
    // SAFETY: the size is not zero: `size_class` rounds up from at least one byte.
    let start = NonNull::new(unsafe { System.alloc(layout) })?;
    // Before anything is written: a page is made when it is first touched.
    if bytes >= LARGE_PAGE {
        ask_for_large_pages(start, bytes);
    }
    // SAFETY: the block was just made, of this size.
    unsafe { start.as_ptr().write_bytes(0, bytes) };
    Some(Block { start: Some(start), bytes })
}

/// A hint to the system, which is free not to follow it: contents stay as they are.
fn ask_for_large_pages(start: NonNull<u8>, bytes: usize) {
    #[cfg(target_os = "linux")]
    // SAFETY: the range is this block's own; whole pages of it may become large ones, and nothing else changes.
    unsafe {
        libc::madvise(start.as_ptr().cast(), bytes, libc::MADV_HUGEPAGE);
    }
    #[cfg(not(target_os = "linux"))]
    let _ = (start, bytes);
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
