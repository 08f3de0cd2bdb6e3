//! Layers, one file each. Parameter names and initial values are PyTorch's, those of the blocks diffusers'.

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
pub use cross_attention::CrossAttention;
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

use tweedie_autograd::{Result, Var};
use tweedie_tensor::{Element, Error, ops};

/// A linear map and an offset at every place of a picture \[n, c, h, w\], with the weights
/// of a linear layer, \[out, c\]: a 1×1 convolution, which needs no transposition of the channels-first layout.
fn per_place<T: Element>(x: Var<T>, weight: Var<T>, bias: Option<Var<T>>) -> Result<Var<T>> {
    let [out, inputs] = weight.shape().exactly("linear at every place", "must be [out, in]")?;
    let weight = weight.reshape([out, inputs, 1, 1])?;
    let geometry = ops::Conv2dOptions { stride: 1, padding: ops::Padding::default() };
    x.conv2d(weight, bias, geometry)
}

/// Refuses a group count that does not divide the channels.
fn check_groups(op: &'static str, groups: usize, channels: usize) -> Result<(), Error> {
    if groups == 0 || !channels.is_multiple_of(groups) {
        let why = format!("does not divide {channels} channels");
        return Err(Error::Parameter { op, name: "groups", value: groups.to_string(), why });
    }
    Ok(())
}
