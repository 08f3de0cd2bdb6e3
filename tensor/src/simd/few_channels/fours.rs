//! Four lines of places at a time: Winograd's F(4, 3) down the columns of a window three high.

use super::Pass;
use crate::simd::lanes::Lanes;
use crate::simd::winograd::stride_one::OUT as LINES;
use crate::simd::winograd::transform::Transform;

impl Pass {
    /// Whether this way is open, and fours of lines do not go much beyond the places.
    pub(super) fn is_by_fours(&self) -> bool {
        self.taps[0] == 3 && 4 * LINES * self.fours() <= 5 * self.places[0]
    }

    /// Fours of lines, the last of which may go beyond the places.
    pub(super) fn fours(&self) -> usize {
        self.places[0].div_ceil(LINES)
    }
}

/// Of a plane so many lines high those from `first` on, which may be a wrapped number above it; where there is none, `outside`, which
/// is as wide.
#[inline(always)]
pub(super) fn lines_of<'a, const N: usize>(
    plane: &'a [f32],
    high: usize,
    first: usize,
    outside: &'a [f32],
) -> [&'a [f32]; N] {
    let wide = outside.len();
    let mut lines = [outside; N];
    for i in 0..N {
        let line = first.wrapping_add(i);
        if line < high {
            lines[i] = &plane[line * wide..][..wide];
        }
    }
    lines
}

/// Lines of numbers become others, whose beginnings are `apart`.
#[inline(always)]
pub(super) fn transform_lines<
    M: Transform<R, C>,
    L: Lanes<W>,
    const C: usize,
    const R: usize,
    const W: usize,
>(
    from: &[&[f32]; C],
    to: &mut [f32],
    apart: usize,
) {
    let wide = from[0].len();
    let to = &mut to[..(R - 1) * apart + wide];
    let mut whole = [&[][..]; C];
    for c in 0..C {
        whole[c] = &from[c].as_chunks::<W>().0[..wide / W];
    }
    let mut x = [L::zero(); C];
    for i in 0..wide / W {
        for c in 0..C {
            x[c] = L::load(&whole[c][i]);
        }
        let y = M::apply(x);
        for r in 0..R {
            y[r].store_some(&mut to[r * apart + i * W..][..W]);
        }
    }
    let rest = wide / W * W;
    if rest < wide {
        for c in 0..C {
            x[c] = L::load_some(&from[c][rest..]);
        }
        let y = M::apply(x);
        for r in 0..R {
            y[r].store_some(&mut to[r * apart + rest..][..wide - rest]);
        }
    }
}
