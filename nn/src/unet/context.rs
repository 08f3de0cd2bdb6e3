use crate::layers::{AttentionConfig, CrossAttention, GroupNorm, positions};
use crate::{Builder, Ctx};
use tweedie_autograd::{Result, Var};
use tweedie_tensor::{Element, ops};

/// x + cross-attention(norm x + places, context) (Rombach et al. 2022, section 3.3), where places are the embedding of
/// row and column: in noise a pixel cannot see where it is, and "above" is a matter of that. Without the feed-forward layers that
/// latent diffusion's blocks put around it: the residual blocks on either side are of that kind already.
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
        Ok(ContextAttention {
            group_norm,
            attention: CrossAttention::new(b, channels, width, heads, head_dim, false),
        })
    }

    pub(super) fn forward<T: Element>(&self, ctx: &Ctx<T>, x: Var<T>, context: Var<T>) -> Result<Var<T>> {
        let [_, channels, height, width] = x.shape().nchw("cross_attention")?;
        let places = ops::transpose_last(&positions(height, width, channels)?)?;
        let places = Var::constant(places.reshape([1, channels, height, width])?);
        let asking = self.group_norm.forward(ctx, x.clone())?.add(places)?;
        self.attention.forward(ctx, asking, context)?.add(x)
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
