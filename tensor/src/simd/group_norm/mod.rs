//! Group normalisation of f32, one group of channels at a time.

mod group;
mod normalise;

pub(crate) use group::Group;
pub(crate) use normalise::{differentiate, normalise};
