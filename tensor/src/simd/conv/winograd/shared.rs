//! Slices that several tasks write at once.

use std::marker::PhantomData;

/// A slice whose parts are written by several tasks at once.
pub(super) struct Shared<'a, T> {
    start: *mut T,
    len: usize,
    borrowed: PhantomData<&'a mut [T]>,
}

// SAFETY: access is by `slice`, `slice_unchecked` and `spread`, whose callers promise disjoint parts; numbers may go to other threads.
unsafe impl<T: Send> Sync for Shared<'_, T> {}

impl<'a, T> Shared<'a, T> {
    pub(super) fn new(slice: &'a mut [T]) -> Shared<'a, T> {
        Shared { start: slice.as_mut_ptr(), len: slice.len(), borrowed: PhantomData }
    }

    /// Where it begins: for fetching ahead, which reads nothing.
    pub(super) fn start(&self) -> *const T {
        self.start
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// `len` elements from `start` on.
    ///
    /// # Safety
    /// Nobody else reads or writes them while the result lives.
    #[inline(always)]
    #[allow(clippy::mut_from_ref)]
    pub(super) unsafe fn slice(&self, start: usize, len: usize) -> &mut [T] {
        assert!(start + len <= self.len);
        // SAFETY: inside the borrowed slice, and the caller's alone.
        unsafe { std::slice::from_raw_parts_mut(self.start.add(start), len) }
    }

    /// [`Shared::slice`], where the caller knows that it is inside.
    ///
    /// # Safety
    /// As there, and the elements are there.
    #[inline(always)]
    #[allow(clippy::mut_from_ref)]
    pub(super) unsafe fn slice_unchecked(&self, start: usize, len: usize) -> &mut [T] {
        debug_assert!(start + len <= self.len);
        // SAFETY: as the caller promises.
        unsafe { std::slice::from_raw_parts_mut(self.start.add(start), len) }
    }

    /// `count` elements, the first at `start`, `apart` from one to the next.
    ///
    /// # Safety
    /// As [`Shared::slice`].
    #[inline(always)]
    pub(super) unsafe fn spread(&self, start: usize, apart: usize, count: usize) -> Spread<'_, T> {
        assert!(count > 0 && start + (count - 1) * apart < self.len);
        Spread { start: self.start.wrapping_add(start), apart, count, borrowed: PhantomData }
    }
}

/// Some elements of a slice at equal distances.
pub(super) struct Spread<'a, T> {
    start: *mut T,
    apart: usize,
    count: usize,
    borrowed: PhantomData<&'a mut T>,
}

impl<T> Spread<'_, T> {
    #[inline(always)]
    pub(super) fn get(&mut self, index: usize) -> &mut T {
        assert!(index < self.count);
        // SAFETY: the last element is inside the slice, as `spread` made sure, and all are the caller's alone.
        unsafe { &mut *self.start.wrapping_add(index * self.apart) }
    }
}
