//! Slices that several tasks write at once.

use std::marker::PhantomData;

/// A slice whose parts are written by several tasks at once.
pub(super) struct SharedSlice<'a, T> {
    start: *mut T,
    len: usize,
    borrowed: PhantomData<&'a mut [T]>,
}

// SAFETY: elements are accessed through `slice`, `slice_unchecked` and `strided` only, which are unsafe: their callers promise that no
// two threads access the same element at a time. The elements can be sent to other threads.
unsafe impl<T: Send> Sync for SharedSlice<'_, T> {}

impl<'a, T> SharedSlice<'a, T> {
    pub(super) fn new(slice: &'a mut [T]) -> SharedSlice<'a, T> {
        SharedSlice { start: slice.as_mut_ptr(), len: slice.len(), borrowed: PhantomData }
    }

    /// The address of the first element, for prefetches, which access nothing.
    pub(super) fn start(&self) -> *const T {
        self.start
    }

    /// How many elements there are.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// `len` elements from `start` on.
    ///
    /// # Safety
    /// Nobody else accesses these elements while the result lives.
    #[inline(always)]
    #[allow(clippy::mut_from_ref)]
    pub(super) unsafe fn slice(&self, start: usize, len: usize) -> &mut [T] {
        assert!(start + len <= self.len);
        // SAFETY: the elements were just found inside the slice, which is borrowed mutably, and the caller promises that nobody else
        // accesses them.
        unsafe { std::slice::from_raw_parts_mut(self.start.add(start), len) }
    }

    /// [`SharedSlice::slice`] without a check.
    ///
    /// # Safety
    /// `start + len` is at most the slice's length, and nobody else accesses these elements while the result lives.
    #[inline(always)]
    #[allow(clippy::mut_from_ref)]
    pub(super) unsafe fn slice_unchecked(&self, start: usize, len: usize) -> &mut [T] {
        debug_assert!(start + len <= self.len);
        // SAFETY: the caller promises that the elements are inside the slice, and that nobody else accesses them.
        unsafe { std::slice::from_raw_parts_mut(self.start.add(start), len) }
    }

    /// `count` elements, the first at `start`, `stride` from one to the next.
    ///
    /// # Safety
    /// Nobody else accesses these elements while the result lives.
    #[inline(always)]
    pub(super) unsafe fn strided(&self, start: usize, stride: usize, count: usize) -> StridedElements<'_, T> {
        assert!(count > 0 && start + (count - 1) * stride < self.len);
        StridedElements { start: self.start.wrapping_add(start), stride, count, borrowed: PhantomData }
    }
}

/// Some elements of a slice at equal distances.
pub(super) struct StridedElements<'a, T> {
    start: *mut T,
    stride: usize,
    count: usize,
    borrowed: PhantomData<&'a mut T>,
}

impl<T> StridedElements<'_, T> {
    /// Element number `index` of these.
    #[inline(always)]
    pub(super) fn get(&mut self, index: usize) -> &mut T {
        assert!(index < self.count);
        // SAFETY: `strided` found the last of `count` elements inside the slice, and its caller promised that nobody else accesses any
        // of them; `&mut self` allows one reference at a time.
        unsafe { &mut *self.start.wrapping_add(index * self.stride) }
    }
}
