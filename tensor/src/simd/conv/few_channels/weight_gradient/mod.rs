//! The gradient of the weights, with few channels on either side.

pub(super) mod direct;
mod places;
pub(super) mod winograd;
