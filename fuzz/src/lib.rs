//! What the fuzz targets do with an input, and what must hold of it; see the README beside this crate.
#![forbid(unsafe_code)]

mod checkpoint;
mod config;
mod data;
mod diffusers;
mod scratch;
mod seeds;
mod weights;

pub use checkpoint::checkpoint;
pub use config::config;
pub use data::{cifar, idx, picture};
pub use diffusers::diffusers;
pub use seeds::seeds;
pub use weights::{shards, weights};
