//! 3 × 3 convolutions with fewer multiplications: a quarter with stride 1, 25 of 36 with stride 2.
//!
//! Winograd's F(4 × 4, 3 × 3): a tile of 4 × 4 outputs needs 6 × 6 inputs, and 36 multiplications per pair of
//! channels where the definition has 144 (`stride_one`; `stride_two` has other numbers). Tiles and weights are transformed to
//! *factors* (`transform`); the products of factors, summed over channels, are then products of matrices. A *term* names
//! a factor of the weights, a factor of the tile, and the sum that their product belongs to (`scheme`):
//!
//! - forward: M[sum] (tiles × C_out) = Σ over its terms of V[factor] (tiles × C_in) · U[factor] (C_in × C_out);
//! - the gradient of the input is the same with mirrored weights, channels exchanged;
//! - the gradient of the weights: P[factor] (C_out × C_in) = Σ over its terms of D[sum]ᵀ (C_out × tiles) · V[factor] (tiles × C_in),
//!   where D is dY under the adjoint of the output's transform, and P goes back through the adjoint of the weights' transform.
//!
//! Sums that no output needs, where tiles reach beyond the picture, are not computed (`order`).
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
pub(super) mod stride_one;
mod stride_two;
mod tiles;
pub(super) mod transform;
mod weight_gradient;

pub(super) use convolution::{buffers_of_forward, buffers_of_input, forward, grad_input};
pub(super) use weight_gradient::{buffers_of_weights, grad_weight};

use crate::Buffer;
use crate::simd::Isa;
use crate::simd::conv::geometry::Geometry;
use crate::simd::vector::on_isa;
use bands::Shared;
use scheme::Scheme;

/// Channels side by side, in the order of pictures and tiles that transforms work on.
const LANES: usize = crate::simd::vector::MAX_LANES;

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

/// A window of 3 × 3 with stride 1 or 2, where tiles do not end before planes do: there may be pixels that no window meets, and
/// places that meet no pixel. One scheme goes for both axes, so with stride 2 their padding is odd or even alike.
fn is_open(g: &Geometry) -> bool {
    let [there, back] = Scheme::pair(g).map(Scheme::axis);
    g.taps == [3, 3]
        && g.before.iter().all(|&before| before <= 2)
        && (g.stride == 1 || g.stride == 2 && g.before[0] % 2 == g.before[1] % 2)
        && there.inputs(g.plane, g.before, g.places).cover()
        && back.inputs(g.places, back_before(g), g.plane).cover()
}

/// Zeros before dY where the gradient of the input reads it; `before` is 2 at most.
fn back_before(g: &Geometry) -> [usize; 2] {
    g.before.map(|before| (2 - before) / g.stride)
}

/// Sixteens from one matrix to the next: a little apart, so that their rows do not all fall into the same sets of a cache.
fn apart(rows: usize, groups: usize) -> usize {
    rows * groups + 1
}

fn shared(numbers: &mut [f32]) -> Shared<'_, [f32; LANES]> {
    Shared::new(numbers.as_chunks_mut::<LANES>().0)
}

#[cfg(test)]
mod tests;
