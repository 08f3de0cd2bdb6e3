//! How the matrices of transformed numbers lie in memory.

use super::shared::Shared;
use crate::simd::vector::MAX_LANES;

/// Channels side by side, in the order of pictures and tiles that transforms work on.
pub(super) const LANES: usize = MAX_LANES;

/// Sixteens from one matrix to the next: a little apart, so that their rows do not all fall into the same sets of a cache.
pub(super) fn apart(rows: usize, groups: usize) -> usize {
    rows * groups + 1
}

pub(super) fn shared(numbers: &mut [f32]) -> Shared<'_, [f32; LANES]> {
    Shared::new(numbers.as_chunks_mut::<LANES>().0)
}
