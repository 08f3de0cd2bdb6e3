//! The UNet of diffusers' `UNet2DModel` (Ho et al. 2020, after Ronneberger et al. 2015): the same configuration
//! keys, the same parameter names, the same numbers.

mod blocks;
mod config;
mod config_file;
mod context;
mod model;
mod or_none;

pub use crate::config::SampleSize;
pub use config::UNetConfig;
pub use config_file::DiffusersConfig;
pub use model::UNet;
