//! The process's pool, and the memory behind it.

use super::OutOfMemory;
use super::pool::{ALIGNMENT, Block, Pool, PoolStats};
use crate::rehearsal;
use std::alloc::{GlobalAlloc, Layout, System};
use std::ptr::NonNull;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The pages that large blocks are asked for in: a walk over a tensor then needs one address translation for 512 that
/// it would need otherwise.
const LARGE_PAGE: usize = 2 << 20;

static POOL: Mutex<Pool> = Mutex::new(Pool::new());

fn pool() -> MutexGuard<'static, Pool> {
    // The pool's own code leaves it sound when memory runs out, so a poisoned lock still guards a sound pool.
    POOL.lock().unwrap_or_else(PoisonError::into_inner)
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
    let idle = pool().take_idle();
    for block in idle {
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
