//! Four lines of places at a time: Winograd's F(4, 3) down the columns of a window three high.

use super::problem::Problem;
use crate::simd::conv::winograd::stride_one::OUT as LINES;
use crate::simd::conv::winograd::transform::Transform;
use crate::simd::vector::Vector;

impl Problem {
    /// Whether this way is open, and fours of lines do not go much beyond the places.
    pub(super) fn is_by_fours(&self) -> bool {
        self.taps[0] == 3 && 4 * LINES * self.fours() <= 5 * self.places[0]
    }

    /// Fours of lines, the last of which may go beyond the places.
    pub(super) fn fours(&self) -> usize {
        self.places[0].div_ceil(LINES)
    }
}

/// Lines of a plane: each begins `pitch` behind the one before.
pub(super) struct Plane<'a> {
    pub(super) numbers: &'a [f32],
    pub(super) high: usize,
    pub(super) pitch: usize,
}

impl Plane<'_> {
    /// The factors of each four of lines: `C` lines, the first of them `before` above the first of the plane, become `R`, whose
    /// planes are `apart`. Where there is no line in the plane, it is one of zeros, `outside`, which is as wide as all.
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
        (to, apart): (&mut [f32], usize),
    ) {
        let (wide, pitch) = (outside.len(), self.pitch);
        for four in 0..fours {
            let to = &mut to[four * wide..];
            // Of a first line above the plane this is a large number.
            let first = (four * LINES).wrapping_sub(before);
            if first < self.high && C <= self.high - first {
                let lines = &self.numbers[first * pitch..][..(C - 1) * pitch + wide];
                let mut starts = [lines.as_ptr(); C];
                for c in 0..C {
                    starts[c] = lines.as_ptr().wrapping_add(c * pitch);
                }
                // SAFETY: `C` lines were just found, of which the last one is whole.
                unsafe { transform::<M, L, C, R, W>(starts, wide, to, apart) };
                continue;
            }
            let mut lines = [outside; C];
            for c in 0..C {
                let line = first.wrapping_add(c);
                if line < self.high {
                    lines[c] = &self.numbers[line * pitch..];
                }
            }
            transform_lines::<M, L, C, R, W>(&lines, wide, to, apart);
        }
    }
}

/// Lines of `wide` numbers become others, whose beginnings are `apart`.
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
    apart: usize,
) {
    let mut starts = [from[0].as_ptr(); C];
    for c in 0..C {
        starts[c] = from[c][..wide].as_ptr();
    }
    // SAFETY: all lines were just found to be as long.
    unsafe { transform::<M, L, C, R, W>(starts, wide, to, apart) }
}

/// # Safety
/// There are `wide` numbers from each of the beginnings on.
#[inline(always)]
unsafe fn transform<M: Transform<R, C>, L: Vector<W>, const C: usize, const R: usize, const W: usize>(
    from: [*const f32; C],
    wide: usize,
    to: &mut [f32],
    apart: usize,
) {
    let to = &mut to[..(R - 1) * apart + wide];
    let start = to.as_mut_ptr();
    let mut x = [L::zero(); C];
    if wide < W {
        for c in 0..C {
            // SAFETY: a line.
            x[c] = L::load_some(unsafe { std::slice::from_raw_parts(from[c], wide) });
        }
        let y = M::apply(x);
        for r in 0..R {
            y[r].store_some(&mut to[r * apart..][..wide]);
        }
        return;
    }
    for at in (0..wide).step_by(W) {
        // The last vector ends where the lines do: what it has in common with the one before comes out the same again.
        let at = at.min(wide - W);
        for c in 0..C {
            // SAFETY: a whole vector of a line.
            x[c] = L::load(unsafe { &*from[c].wrapping_add(at).cast() });
        }
        let y = M::apply(x);
        for r in 0..R {
            // SAFETY: `to` was cut behind the last line.
            y[r].store(unsafe { &mut *start.wrapping_add(r * apart + at).cast() });
        }
    }
}
