//! f32 convolution: forward, the gradient of the input, and the gradient of the weights.
//!
//! Above the vocabulary ([`geometry`], [`addend`]) stand the methods: implicit products of matrices ([`implicit`], and for the
//! gradient of the input [`phases`]), Winograd's minimal filtering ([`winograd`]), and methods of their own for few channels
//! ([`few_channels`]). [`route`] chooses among them, and [`passes`] calls what it chose.

mod addend;
mod few_channels;
mod geometry;
mod implicit;
mod padded;
mod passes;
mod phases;
mod route;
mod transpose;
mod winograd;

pub(crate) use addend::{Addend, Bias, Onto};
pub(crate) use geometry::{Direction, Geometry};
pub(crate) use passes::{buffers, forward, grad_input, grad_weight};
