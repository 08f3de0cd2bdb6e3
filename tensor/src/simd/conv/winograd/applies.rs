//! Which convolutions are computed like this.

use super::layout::LANES;
use super::scheme::Scheme;
use crate::simd::conv::geometry::Geometry;

/// Whether a convolution can be computed like this, and that pays: enough channels to fill vectors, and tiles that hardly exceed the
/// picture. A function of one sample's shape, so that no sample's bits depend on how many are computed with it.
pub(in crate::simd::conv) fn applies(g: &Geometry) -> bool {
    if !is_open(g) || g.channels_in.min(g.channels_out) < LANES {
        return false;
    }
    let [scheme, _] = Scheme::pair(g).map(Scheme::axis);
    let covered = scheme.tiles(g.places).map(|tiles| tiles * scheme.out);
    let excess = covered[0] * covered[1] * 5;
    let places = g.places[0] * g.places[1];
    if g.stride == 1 { excess <= 9 * places } else { excess <= 7 * places }
}

/// Whether a convolution can be computed like this: a window of 3 × 3, stride 1 or 2, and tiles that do not end before the planes do
/// (in general there may be pixels that no window reads, and places that read no pixel). Both axes share one scheme, so with stride 2
/// their paddings must both be odd or both be even.
pub(super) fn is_open(g: &Geometry) -> bool {
    let [there, back] = Scheme::pair(g).map(Scheme::axis);
    g.taps == [3, 3]
        && g.before.iter().all(|&before| before <= 2)
        && (g.stride == 1 || g.stride == 2 && g.before[0] % 2 == g.before[1] % 2)
        && there.inputs(g.plane, g.before, g.places).cover()
        && back.inputs(g.places, back_before(g), g.plane).cover()
}

/// Zeros before dY, as the gradient of the input reads it. `before` must be at most 2.
pub(super) fn back_before(g: &Geometry) -> [usize; 2] {
    g.before.map(|before| (2 - before) / g.stride)
}
