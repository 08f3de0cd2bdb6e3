//! Aligned memory for tensors, taken from a pool and given back to it.
//!
//! Contents are always initialised: a block is zeroed once, when the system allocates it, and later holds whatever its last
//! owner left. So a buffer need not be cleared, and reading it is still sound.

mod exhaustion;
mod memory;
pub(crate) mod pool;

pub use exhaustion::{Allocator, OutOfMemory};
pub use memory::{stats, trim};
pub use pool::PoolStats;

use crate::{Number, rehearsal};
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};
use std::ptr::NonNull;
use std::slice;

/// `len` numbers, 64-byte aligned, that go back to the pool on drop.
pub struct Buffer<T: Number> {
    block: Option<pool::Block>,
    len: usize,
    numbers: PhantomData<T>,
}

// SAFETY: a buffer owns its block alone; shared access only reads numbers.
unsafe impl<T: Number> Sync for Buffer<T> {}

impl<T: Number> Buffer<T> {
    /// Where its numbers are; nowhere in a rehearsal.
    ///
    /// # Panics
    /// When an imagined buffer has left its rehearsal: outside, code may rely on as many numbers as a shape has.
    fn start(&self) -> Option<NonNull<u8>> {
        let start = self.block.as_ref()?.start;
        assert!(start.is_some() || rehearsal::is_on(), "a rehearsed tensor has no numbers");
        start
    }

    /// A buffer of arbitrary (but initialised) numbers.
    pub fn scratch(len: usize) -> Buffer<T> {
        Buffer { block: Some(memory::take(len * size_of::<T>())), len, numbers: PhantomData }
    }
}

impl<T: Number> Deref for Buffer<T> {
    type Target = [T];
    fn deref(&self) -> &[T] {
        match self.start() {
            // SAFETY: the block is aligned for T, holds at least `len` of them (`scratch`), is initialised
            // (`memory`), and every bit pattern is a value of a sealed `Number` (f32 or f64).
            Some(start) => unsafe { slice::from_raw_parts(start.as_ptr().cast::<T>(), self.len) },
            None => &[],
        }
    }
}

impl<T: Number> DerefMut for Buffer<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        match self.start() {
            // SAFETY: as in `deref`, and `&mut self` makes this the only access.
            Some(start) => unsafe { slice::from_raw_parts_mut(start.as_ptr().cast::<T>(), self.len) },
            None => &mut [],
        }
    }
}

impl<T: Number> Drop for Buffer<T> {
    fn drop(&mut self) {
        if let Some(block) = self.block.take() {
            memory::give(block);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buffers_are_aligned_and_come_back() {
        let mut a = Buffer::<f32>::scratch(1001);
        assert_eq!(a.as_ptr() as usize % 64, 0);
        assert_eq!(a.len(), 1001);
        a.fill(3.0);
        let at = a.as_ptr();
        drop(a);
        // Another test may take the block in between; then this one is fresh, and still of the right size.
        let b = Buffer::<f32>::scratch(1000);
        assert!(b.as_ptr() == at || b.len() == 1000);
        assert_eq!(Buffer::<f64>::scratch(0).len(), 0);
    }

    #[test]
    fn where_there_is_no_memory_a_panic_says_how_much_was_asked_for() {
        let full = std::panic::catch_unwind(|| Buffer::<f32>::scratch(1 << 58)).err().unwrap();
        assert_eq!(full.downcast_ref(), Some(&OutOfMemory { bytes: 1 << 60 }));
        assert_eq!(Buffer::<f32>::scratch(10).len(), 10, "the pool still serves");
    }
}
