//! The UNet of diffusers' `UNet2DModel` (Ho et al. 2020, after Ronneberger et al. 2015): the same configuration
//! keys, the same parameter names, the same numbers.

mod blocks;
mod config;
mod config_file;
mod model;

pub use config::{SampleSize, UNetConfig};
pub use model::UNet;
