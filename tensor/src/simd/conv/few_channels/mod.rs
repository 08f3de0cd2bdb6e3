//! Convolutions of stride 1 with very few channels on one side: the first and the last layer of a network, and their
//! gradients.
//!
//! As products of matrices they would copy each number of the picture into a panel once for each tap, to multiply it there by a
//! handful of weights. But a tap reads lines of the picture, shifted, and lines shifted by whole lines lie in memory as they are
//! needed. Only shifts within a line need a copy, and it is made on the side that has few channels:
//!
//! - *from* few channels (`from_few`), a copy of the picture for each column of the window, shifted by that column: then each tap reads
//!   neighbouring numbers, and y = w ∗ x is a product whose operand is read where it lies;
//! - *to* few channels (`to_few`), a sum for each column of the window, zᵤ[i, j] = Σ over channels and rows v of
//!   w[v, u] · x[i + v, j], whose terms are read where they lie as well; then y[i, j] = Σᵤ zᵤ[i, j + u]. Lines are computed one
//!   by one, or four at a time with half of the multiplications;
//! - the gradient of the weights (`weight_gradient`) sums products of neighbouring places of the many channels and of such copies of
//!   the few, line by line or four lines at a time.
//!
//! The planes of the many channels are read in the order in which they lie, and no tap copies them.

mod from_few;
mod lines;
mod method;
mod prefetch;
mod problem;
mod shifted;
mod tile;
mod to_few;
mod weight_gradient;

pub(super) use method::{ConvolveMethod, GradWeightMethod};
pub(super) use problem::Problem;
