//! Requests for the memory that is read next.

use crate::simd::gemm::LINE;
use crate::simd::vector::Vector;

/// Stretches of memory at equal distances, requested into the L2 cache a part at a time while others are worked on. The processor
/// by itself does not foresee where the next stretch begins.
pub(super) struct Prefetcher {
    /// Where the current stretch begins. It is only ever a hint, so it may be any address.
    start: *const f32,
    at: usize,
    /// Numbers of a stretch.
    len: usize,
    /// From one stretch to the next.
    stride: usize,
    /// Cache lines that are requested at a time.
    lines: usize,
}

impl Prefetcher {
    /// `count` stretches of `len` numbers, `stride` apart, in so many turns.
    pub(super) fn new(start: *const f32, [count, len, stride]: [usize; 3], turns: usize) -> Prefetcher {
        Prefetcher { start, at: 0, len, stride, lines: (count * len.div_ceil(LINE)).div_ceil(turns) }
    }

    /// Requests the lines of one turn.
    #[inline(always)]
    pub(super) fn advance<L: Vector<W>, const W: usize>(&mut self) {
        for _ in 0..self.lines {
            L::prefetch_into_l2(self.start.wrapping_add(self.at));
            self.at += LINE;
            if self.at >= self.len {
                (self.at, self.start) = (0, self.start.wrapping_add(self.stride));
            }
        }
    }
}
