use super::modulation::{Modulation, modulated};
use crate::layers::{Mlp, TokenAttention};
use crate::{Builder, Ctx};
use tweedie_autograd::{Result, Var};
use tweedie_tensor::Element;

/// A block with adaLN-zero: x + gate · attention(modulated x), then x + gate · MLP(modulated x).
#[derive(Debug, Clone)]
pub(super) struct Block {
    attn: TokenAttention,
    mlp: Mlp,
    modulation: Modulation,
}

impl Block {
    /// Registers `attn`, `mlp` and `adaLN_modulation`.
    pub(super) fn new(b: &Builder, width: usize, heads: usize, inner: usize) -> Block {
        Block {
            attn: TokenAttention::new(&b.pp("attn"), width, heads),
            mlp: Mlp::new(&b.pp("mlp"), width, inner),
            modulation: Modulation::new(&b.pp("adaLN_modulation"), width, 6),
        }
    }

    /// Maps tokens x \[n, s, d\] to tokens, modulated by SiLU of the condition \[n, d\].
    pub(super) fn forward<T: Element>(&self, ctx: &Ctx<T>, x: Var<T>, condition: Var<T>) -> Result<Var<T>> {
        let [shift_attn, scale_attn, gate_attn, shift_mlp, scale_mlp, gate_mlp] =
            self.modulation.forward(ctx, condition)?;
        let qkv = modulated(ctx, self.attn.qkv(), x.clone(), [shift_attn, scale_attn])?;
        let x = x.gated_sum(self.attn.mix(ctx, qkv)?, gate_attn)?;
        let inner = modulated(ctx, self.mlp.fc1(), x.clone(), [shift_mlp, scale_mlp])?;
        x.gated_sum(self.mlp.finish(ctx, inner)?, gate_mlp)
    }
}
