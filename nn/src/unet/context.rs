use crate::layers::{AttentionConfig, CrossAttention, CrossAttentionConfig, GroupNorm, positions};
use crate::{Builder, Ctx};
use tweedie_autograd::{Result, Var};
use tweedie_tensor::{Element, ops};

/// x + cross-attention(norm x + positions, context) (Rombach et al. 2022, section 3.3), where positions are the embeddings
/// of row and column: nothing in a noisy picture tells a pixel where it lies, and a word like "above" depends on it. The
/// feed-forward layers of latent diffusion's blocks are left out: the residual blocks before and after do their work.
#[derive(Debug, Clone)]
pub(super) struct ContextAttention {
    group_norm: GroupNorm,
    attention: CrossAttention,
}

impl ContextAttention {
    /// Registers `group_norm` and the maps of [`CrossAttention`], for a context of `width` numbers a token.
    ///
    /// # Errors
    /// A group count that does not divide the channels.
    pub(super) fn new(b: &Builder, config: AttentionConfig, width: usize) -> Result<ContextAttention> {
        let AttentionConfig { channels, heads, head_dim, groups, eps, .. } = config;
        let group_norm = GroupNorm::new(&b.pp("group_norm"), groups.unwrap_or(1), channels, eps)?;
        let config =
            CrossAttentionConfig { channels, context_width: width, heads, head_dim, qkv_bias: false };
        Ok(ContextAttention { group_norm, attention: CrossAttention::new(b, config) })
    }

    pub(super) fn forward<T: Element>(&self, ctx: &Ctx<T>, x: Var<T>, context: Var<T>) -> Result<Var<T>> {
        let [_, channels, height, width] = x.shape().nchw("cross_attention")?;
        let places = ops::transpose_last(&positions(height, width, channels)?)?;
        let places = Var::constant(places.reshape([1, channels, height, width])?);
        let queries = self.group_norm.forward(ctx, x.clone())?.add(places)?;
        self.attention.forward(ctx, queries, context)?.add(x)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tweedie_tensor::Tensor;

    #[test]
    fn pixels_that_look_alike_differ_by_where_they_are() {
        let b = Builder::new();
        let config = AttentionConfig {
            channels: 8,
            heads: 2,
            head_dim: 4,
            groups: Some(2),
            eps: 1e-5,
            output_scale_factor: 1.0,
        };
        let layer = ContextAttention::new(&b, config, 3).unwrap();
        let params = b.draw(1).cast::<f64>();
        let context = Tensor::from_fn([1, 4, 3], |i| ((i * 7) % 11) as f64 - 5.0);
        let x = Var::constant(Tensor::full([1, 8, 3, 5], 0.5));
        let y = layer.forward(&Ctx::inference(&params), x, Var::constant(context)).unwrap();
        let channel = &y.value().as_slice()[..15];
        for i in 0..15 {
            for j in 0..i {
                assert!((channel[i] - channel[j]).abs() > 1e-9, "places {i} and {j}");
            }
        }
    }
}
