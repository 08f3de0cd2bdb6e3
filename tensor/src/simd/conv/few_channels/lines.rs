//! Winograd's F(4, 3) down the columns of a window three high: four lines of places at a time.

use super::problem::Problem;
use crate::simd::conv::winograd::stride_one::OUT as LINES;
use crate::simd::conv::winograd::transform::Transform;
use crate::simd::vector::Vector;

impl Problem {
    /// Whether the window is three high, and groups of four lines hardly reach beyond the places.
    pub(super) fn fits_fours(&self) -> bool {
        self.taps[0] == 3 && 4 * LINES * self.fours() <= 5 * self.places[0]
    }

    /// How many groups of four lines cover the places; the last one may reach beyond them.
    pub(super) fn fours(&self) -> usize {
        self.places[0].div_ceil(LINES)
    }
}

/// A plane as lines whose beginnings are `pitch` apart.
pub(super) struct Plane<'a> {
    pub(super) numbers: &'a [f32],
    pub(super) high: usize,
    pub(super) pitch: usize,
}

impl Plane<'_> {
    /// The factors of each group of four lines: `C` lines, the first of which lies `before` above the plane's first, become `R`
    /// lines, in planes that are `stride` apart. Lines outside of the plane are `outside`, a line of zeros, whose length is that of
    /// all lines.
    #[inline(always)]
    pub(super) fn transform<
        M: Transform<R, C>,
        L: Vector<W>,
        const C: usize,
        const R: usize,
        const W: usize,
    >(
        &self,
        (fours, before): (usize, usize),
        outside: &[f32],
        (to, stride): (&mut [f32], usize),
    ) {
        let (wide, pitch) = (outside.len(), self.pitch);
        for four in 0..fours {
            let to = &mut to[four * wide..];
            // Wraps to a large number where the first line is above the plane.
            let first = (four * LINES).wrapping_sub(before);
            if first < self.high && C <= self.high - first {
                let lines = &self.numbers[first * pitch..][..(C - 1) * pitch + wide];
                let mut starts = [lines.as_ptr(); C];
                for c in 0..C {
                    starts[c] = lines.as_ptr().wrapping_add(c * pitch);
                }
                // SAFETY: `lines` was just cut to the beginnings of `C` lines, `pitch` apart, and `wide` numbers of the last one.
                unsafe { transform::<M, L, C, R, W>(starts, wide, to, stride) };
                continue;
            }
            let mut lines = [outside; C];
            for c in 0..C {
                let line = first.wrapping_add(c);
                if line < self.high {
                    lines[c] = &self.numbers[line * pitch..];
                }
            }
            transform_lines::<M, L, C, R, W>(&lines, wide, to, stride);
        }
    }
}

/// Transforms `C` lines of `wide` numbers into `R`, whose beginnings are `stride` apart.
#[inline(always)]
pub(super) fn transform_lines<
    M: Transform<R, C>,
    L: Vector<W>,
    const C: usize,
    const R: usize,
    const W: usize,
>(
    from: &[&[f32]; C],
    wide: usize,
    to: &mut [f32],
    stride: usize,
) {
    let mut starts = [from[0].as_ptr(); C];
    for c in 0..C {
        starts[c] = from[c][..wide].as_ptr();
    }
    // SAFETY: each line was just found to have `wide` numbers.
    unsafe { transform::<M, L, C, R, W>(starts, wide, to, stride) }
}

/// # Safety
/// Each pointer of `from` is valid for reads of `wide` numbers.
#[inline(always)]
unsafe fn transform<M: Transform<R, C>, L: Vector<W>, const C: usize, const R: usize, const W: usize>(
    from: [*const f32; C],
    wide: usize,
    to: &mut [f32],
    stride: usize,
) {
    let to = &mut to[..(R - 1) * stride + wide];
    let start = to.as_mut_ptr();
    let mut x = [L::zero(); C];
    if wide < W {
        for c in 0..C {
            // SAFETY: c < C, so the caller vouches for `wide` numbers from here on.
            x[c] = L::load_some(unsafe { std::slice::from_raw_parts(from[c], wide) });
        }
        let y = M::apply(x);
        for r in 0..R {
            y[r].store_some(&mut to[r * stride..][..wide]);
        }
        return;
    }
    for at in (0..wide).step_by(W) {
        // The last vector ends where the lines do; numbers that it shares with the one before are computed twice, to the same bits.
        let at = at.min(wide - W);
        for c in 0..C {
            // SAFETY: at + W ≤ wide, so the caller vouches for this vector of line c < C.
            x[c] = L::load(unsafe { &*from[c].wrapping_add(at).cast() });
        }
        let y = M::apply(x);
        for r in 0..R {
            // SAFETY: at + W ≤ wide and r < R, and `to` was cut to `R` lines of `wide` numbers at this stride.
            y[r].store(unsafe { &mut *start.wrapping_add(r * stride + at).cast() });
        }
    }
}
