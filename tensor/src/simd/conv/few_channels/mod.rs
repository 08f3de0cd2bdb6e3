//! Convolutions of stride 1 with very few channels on one side: the first and the last layer of a network, and their
//! gradients.
//!
//! As products they would copy each number of the picture once for each tap into a panel, to multiply it there by
//! a handful of weights. But what a tap reads are lines of the picture, shifted; and shifted by whole lines they lie in
//! memory as they are needed. Only the shifts within a line are not, and those are made on the side that has few channels:
//!
//! - *from* few channels (`from_few`), a copy of the picture for each column of the window, shifted by it: then each tap
//!   reads a row of neighbouring numbers, and y = w ∗ x is a product whose operand is read where it lies;
//! - *to* few channels (`to_few`), a sum for each column of the window, zᵤ[i, j] = Σ over channels and rows v of
//!   w[v, u] · x[i + v, j], whose terms are read where they lie too; then y[i, j] = Σᵤ zᵤ[i, j + u]. Lines are made one by
//!   one, or four at a time with half of the multiplications;
//! - the gradient of the weights (`weight_gradient`) sums products of neighbouring places of the many channels and such copies
//!   of the few, likewise line by line or by fours.
//!
//! All numbers of a picture with many channels are read in the order in which they lie, and none is copied for a tap.

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
