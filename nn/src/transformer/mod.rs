//! The diffusion transformer (Peebles and Xie 2023, "Scalable diffusion models with transformers"): a picture is a
//! sequence of patches, and time and class modulate the normalisations of every block.
//!
//! Tokens are \[n, s, d\], so that normalisations run along memory, and a linear map is one product for the whole batch. The
//! attention kernel takes channels first; the products before and after it write and read that layout, so nothing is
//! transposed.

mod block;
mod config;
mod final_layer;
mod model;
mod modulation;

pub use config::TransformerConfig;
pub use model::Transformer;
