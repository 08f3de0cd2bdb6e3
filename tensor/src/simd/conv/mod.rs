//! f32 convolution: forward, the gradient of the input, and the gradient of the weights.

mod addend;
mod few_channels;
mod geometry;
mod implicit;
mod padded;
mod winograd;

pub(crate) use addend::{Addend, Bias, Onto};
pub(crate) use geometry::Geometry;
pub(crate) use implicit::{
    buffers_of_forward, buffers_of_input, buffers_of_weights, forward, grad_input, grad_weight,
};
