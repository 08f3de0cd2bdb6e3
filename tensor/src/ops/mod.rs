//! Numeric kernels, forward and backward, as plain functions.

mod combine;
mod pieces;

pub use combine::combine;
