//! The diffusion transformer (Peebles and Xie 2023, "Scalable diffusion models with transformers"): a picture is a
//! sequence of patches, and time and class modulate the normalisations of every block.
//!
//! Tokens are \[n, s, d\], so that normalisations run along memory, and a linear map is one product for the whole batch. Attention
//! reads queries, keys and values where that product has written them. The backward pass computes
//! again what is cheap, the modulated tokens and GELU, so that the tape keeps each block's input, and its products' results.

mod block;
mod config;
mod final_layer;
mod model;
mod modulation;

pub use config::TransformerConfig;
pub use model::Transformer;
