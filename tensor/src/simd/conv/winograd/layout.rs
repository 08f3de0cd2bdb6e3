//! How the matrices of transformed numbers lie in memory.

use super::shared::SharedSlice;
use crate::simd::vector::MAX_LANES;

/// How many channels lie side by side in the pictures and tiles that transforms work on.
pub(super) const LANES: usize = MAX_LANES;

/// From one matrix to the next, counted in groups of [`LANES`] numbers: one more than the matrix has, so that the same rows of all
/// matrices do not compete for the same sets of a cache.
pub(super) fn matrix_stride(rows: usize, groups: usize) -> usize {
    rows * groups + 1
}

/// Matrices for several tasks to write, in groups of [`LANES`] numbers.
pub(super) fn shared(numbers: &mut [f32]) -> SharedSlice<'_, [f32; LANES]> {
    SharedSlice::new(numbers.as_chunks_mut::<LANES>().0)
}
