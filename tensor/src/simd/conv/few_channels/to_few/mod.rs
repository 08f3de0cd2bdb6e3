//! From many channels to few.

mod column_sums;
mod direct;
mod winograd;

pub(super) use direct::Direct;
pub(super) use winograd::Winograd;
