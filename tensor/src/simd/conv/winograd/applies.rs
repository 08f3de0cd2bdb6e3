//! Which convolutions go this way.

use super::layout::LANES;
use super::scheme::Scheme;
use crate::simd::conv::geometry::Geometry;

/// Whether this way is open and pays: enough channels to fill vectors, and pictures that tiles do not exceed by much. A
/// function of a sample's shape alone, so that no sample depends on how many are computed with it.
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

/// A window of 3 × 3 with stride 1 or 2, where tiles do not end before planes do: there may be pixels that no window meets, and
/// places that meet no pixel. One scheme goes for both axes, so with stride 2 their padding is odd or even alike.
pub(super) fn is_open(g: &Geometry) -> bool {
    let [there, back] = Scheme::pair(g).map(Scheme::axis);
    g.taps == [3, 3]
        && g.before.iter().all(|&before| before <= 2)
        && (g.stride == 1 || g.stride == 2 && g.before[0] % 2 == g.before[1] % 2)
        && there.inputs(g.plane, g.before, g.places).cover()
        && back.inputs(g.places, back_before(g), g.plane).cover()
}

/// Zeros before dY where the gradient of the input reads it; `before` is 2 at most.
pub(super) fn back_before(g: &Geometry) -> [usize; 2] {
    g.before.map(|before| (2 - before) / g.stride)
}
