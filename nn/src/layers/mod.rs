//! Layers, one file each. Layers have the parameter names and initial values of PyTorch, blocks the names of diffusers.

mod conv2d;
mod cross_attention;
mod embedding;
mod group_norm;
mod layer_norm;
mod linear;
mod mlp;
mod patches;
mod positions;
mod resample;
mod resnet_block;
mod self_attention;
mod time_embedding;
mod token_attention;

pub use conv2d::Conv2d;
pub use cross_attention::{CrossAttention, CrossAttentionConfig};
pub use embedding::Embedding;
pub use group_norm::GroupNorm;
pub use layer_norm::LayerNorm;
pub use linear::Linear;
pub use mlp::Mlp;
pub use patches::{patchify, unpatchify};
pub use positions::positions;
pub use resample::{AvgPool, Downsample, Upsample};
pub use resnet_block::{Resample, ResnetBlock, ResnetConfig, TimeShift};
pub use self_attention::{AttentionConfig, SelfAttention};
pub use time_embedding::{Sinusoid, TimestepEmbedding};
pub use token_attention::TokenAttention;
