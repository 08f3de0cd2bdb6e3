//! The diffusion transformer (Peebles and Xie 2023, "Scalable diffusion models with transformers"): a picture is a
//! sequence of patches, and time and class steer every block through its normalisations.
//!
//! Tokens lie \[n, s, d\], each one's numbers together: so normalisations run along memory, and a linear map is one
//! product for the whole batch. Attention's kernel wants channels first; the products before and after it read
//! and write that layout by themselves, and nothing is transposed.

mod block;
mod config;
mod final_layer;
mod model;
mod modulation;

pub use config::TransformerConfig;
pub use model::Transformer;
