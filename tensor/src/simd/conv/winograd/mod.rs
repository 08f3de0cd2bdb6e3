//! 3 × 3 convolutions with fewer multiplications: a quarter with stride 1, 25 of 36 with stride 2.
//!
//! Winograd's F(4 × 4, 3 × 3): a tile of 4 × 4 outputs needs 6 × 6 inputs, and 36 multiplications for each pair of channels where the
//! definition has 144 ([`stride_one`]; [`stride_two`] has other numbers). Tiles and weights are transformed to *factors*
//! ([`transform`]). The products of factors, summed over channels, are then products of matrices. A *term* names a factor of the
//! weights, a factor of the tile, and the sum that their product is added to ([`scheme`]):
//!
//! - forward: M[sum] (tiles × C_out) = Σ over its terms of V[factor] (tiles × C_in) · U[factor] (C_in × C_out);
//! - the gradient of the input is the same with mirrored weights and channels exchanged;
//! - the gradient of the weights: P[factor] (C_out × C_in) = Σ over its terms of D[sum]ᵀ (C_out × tiles) · V[factor] (tiles × C_in),
//!   where D is dY under the adjoint of the output's transform; the adjoint of the weights' transform takes P to dW.
//!
//! Where tiles reach beyond the picture, sums that no output needs are not computed ([`order`]).
//!
//! Sixteen channels lie side by side in memory, so transforms are plain arithmetic on registers. Pictures are converted from planes to
//! that order and back by transposing blocks ([`bands`], [`tiles`]). Transforms write the matrices in the order in which the products
//! read them, so nothing is packed ([`product`]).
//!
//! The price is rounding: the transforms add numbers of unlike size. The relative error (root mean square) is about twice that of the
//! plain sum: 1.1 · 10⁻⁶ for 128 channels, growing with the square root of their number.

mod applies;
mod bands;
mod buffers;
mod convolution;
mod layout;
mod order;
mod outputs;
mod product;
mod scheme;
mod shared;
pub(super) mod stride_one;
mod stride_two;
mod tiles;
pub(super) mod transform;
mod weight_gradient;
mod weights;

#[cfg(test)]
mod tests;

pub(super) use applies::applies;
pub(super) use buffers::buffers;
pub(super) use convolution::{forward, grad_input};
pub(super) use weight_gradient::grad_weight;
