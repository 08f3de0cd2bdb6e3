//! What will be read next.

use crate::simd::gemm::LINE;
use crate::simd::vector::Vector;

/// Stretches of memory that are brought into the second cache a part at a time, while others are worked on. The processor by itself
/// does not foresee where the next ones begin.
pub(super) struct Prefetcher {
    /// Where the present one begins: a hint, so it may be anywhere.
    start: *const f32,
    at: usize,
    /// Numbers of each.
    len: usize,
    /// From one to the next.
    apart: usize,
    /// Cache lines that are fetched in a turn.
    lines: usize,
}

impl Prefetcher {
    /// `count` stretches of `len` numbers, `apart` from each other, in so many turns.
    pub(super) fn new(start: *const f32, [count, len, apart]: [usize; 3], turns: usize) -> Prefetcher {
        Prefetcher { start, at: 0, len, apart, lines: (count * len.div_ceil(LINE)).div_ceil(turns) }
    }

    #[inline(always)]
    pub(super) fn turn<L: Vector<W>, const W: usize>(&mut self) {
        for _ in 0..self.lines {
            L::prefetch_into_l2(self.start.wrapping_add(self.at));
            self.at += LINE;
            if self.at >= self.len {
                (self.at, self.start) = (0, self.start.wrapping_add(self.apart));
            }
        }
    }
}
