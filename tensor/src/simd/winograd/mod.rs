//! 3 × 3 convolutions of stride 1 with a quarter of the multiplications.
//!
//! Winograd's F(4 × 4, 3 × 3): a tile of 4 × 4 outputs needs 6 × 6 inputs, and 36 multiplications per pair of
//! channels where the definition has 144. Once tiles and weights are transformed (`transform`), the sum over
//! channels is, for each of the 36 places of a transformed tile, a product of matrices:
//!
//! - forward: M[place] (tiles × C_out) = V[place] (tiles × C_in) · U[place] (C_in × C_out);
//! - the gradient of the input is the same with mirrored weights, channels exchanged;
//! - the gradient of the weights: P[place] (C_out × C_in) = D[place]ᵀ (C_out × tiles) · V[place] (tiles × C_in), where D is
//!   dY under the adjoint of the output's transform, and P goes back through the adjoint of the weights' transform.
//!
//! Sixteen channels lie side by side, so transforms are plain arithmetic on registers; pictures change
//! from planes to that order and back by transposing blocks (`bands`, `tiles`). What the products read is already in
//! the order in which they read it, so nothing is packed (`product`).
//!
//! The price is rounding: the transforms add numbers of unlike size. The relative error (root mean square) is
//! about twice that of the sum itself: 1.1 · 10⁻⁶ for 128 channels, growing with the root of their number.

mod bands;
mod convolution;
mod order;
mod product;
mod scheme;
mod stride_one;
mod stride_two;
mod tiles;
mod transform;
mod weight_gradient;

pub(super) use convolution::{forward, grad_input};
pub(super) use weight_gradient::grad_weight;

use super::Isa;
use super::lanes::on_isa;
use crate::Buffer;
use crate::ops::conv::Geometry;
use bands::Shared;
use scheme::Scheme;

/// Channels side by side, in the order of pictures and tiles that transforms work on.
const LANES: usize = super::lanes::MOST_LANES;

/// Whether this way is open and pays: enough channels to fill vectors, and pictures that tiles do not exceed by much. A
/// function of a sample's shape alone, so that no sample depends on how many are computed with it.
pub(super) fn applies(g: &Geometry) -> bool {
    if !is_open(g) || g.channels_in.min(g.channels_out) < LANES {
        return false;
    }
    let [scheme, _] = Scheme::pair(g).map(Scheme::axis);
    let covered = scheme.tiles(g.places).map(|tiles| tiles * scheme.out);
    let excess = covered[0] * covered[1] * 5;
    let places = g.places[0] * g.places[1];
    if g.stride == 1 { excess <= 9 * places } else { excess <= 7 * places }
}

/// Small kernels of stride 1 or 2, where tiles do not end before planes do: with strides there may be pixels that no window
/// meets, and places that meet no pixel.
fn is_open(g: &Geometry) -> bool {
    let [there, back] = Scheme::pair(g).map(Scheme::axis);
    let reached = |axis: usize| {
        let (plane, places, before) = (g.plane[axis], g.places[axis], g.before[axis]);
        before % 2 == g.before[0] % 2
            && before + plane <= there.reach(places.div_ceil(there.out))
            && (2 - before) / 2 + places <= back.reach(plane.div_ceil(back.out))
    };
    g.taps == [3, 3]
        && g.before.iter().all(|&before| before <= 2)
        && (g.stride == 1 || g.stride == 2 && (0..2).all(reached))
}

/// Numbers between the matrices of neighbouring places: a little apart, so that their rows do not all fall into
/// the same sets of a cache.
fn apart(rows: usize, groups: usize) -> usize {
    rows * groups + 1
}

fn shared(numbers: &mut [f32]) -> Shared<'_, [f32; LANES]> {
    Shared::new(numbers.as_chunks_mut::<LANES>().0)
}

#[cfg(test)]
mod tests;
