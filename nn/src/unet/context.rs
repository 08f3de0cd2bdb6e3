use crate::layers::{AttentionConfig, CrossAttention, GroupNorm};
use crate::{Builder, Ctx};
use tweedie_autograd::{Result, Var};
use tweedie_tensor::Element;

/// x + cross-attention(norm x, context) (Rombach et al. 2022, section 3.3), without the feed-forward layers that
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
        let normed = self.group_norm.forward(ctx, x.clone())?;
        self.attention.forward(ctx, normed, context)?.add(x)
    }
}
