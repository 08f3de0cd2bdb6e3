use super::Linear;
use crate::{Builder, Ctx, Layer};
use tweedie_autograd::{Result, Var, ops};
use tweedie_tensor::Element;

/// Attention of every token of x \[n, s, `width`\] to every token (Vaswani et al. 2017). Normalisation and the residual sum
/// are left to the block around it.
#[derive(Debug, Clone)]
pub struct TokenAttention {
    heads: usize,
    width: usize,
    qkv: Linear,
    proj: Linear,
}

impl TokenAttention {
    /// Registers `qkv`, one map to queries, keys and values, and `proj`. `heads` divides `width`.
    pub fn new(b: &Builder, width: usize, heads: usize) -> TokenAttention {
        let qkv = Linear::new(&b.pp("qkv"), width, 3 * width);
        TokenAttention { heads, width, qkv, proj: Linear::new(&b.pp("proj"), width, width) }
    }

    /// The map to queries, keys and values.
    pub(crate) fn qkv(&self) -> &Linear {
        &self.qkv
    }

    /// The rest of the layer, from queries, keys and values \[n, s, 3 `width`\].
    pub(crate) fn mix<T: Element>(&self, ctx: &Ctx<T>, qkv: Var<T>) -> Result<Var<T>> {
        let scale = 1.0 / ((self.width / self.heads) as f64).sqrt();
        self.proj.forward(ctx, ops::token_attention(qkv, self.heads, scale)?)
    }
}

impl Layer for TokenAttention {
    fn forward<T: Element>(&self, ctx: &Ctx<T>, x: Var<T>) -> Result<Var<T>> {
        self.mix(ctx, self.qkv.forward(ctx, x)?)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{AttentionConfig, SelfAttention};
    use super::*;
    use tweedie_tensor::{Tensor, ops};

    #[test]
    fn tokens_attend_as_pixels_do() {
        let (width, heads, tokens) = (6, 2, 4);
        let b = Builder::new();
        let layer = TokenAttention::new(&b, width, heads);
        let params = b.draw(3).cast::<f64>();
        let x = Tensor::from_fn([2, tokens, width], |i| ((i * 7) % 13) as f64 / 6.0 - 1.0);
        let y = layer.forward(&Ctx::inference(&params), Var::constant(x.clone())).unwrap();

        let b = Builder::new();
        let config = AttentionConfig {
            channels: width,
            heads,
            head_dim: width / heads,
            groups: None,
            eps: 0.0,
            output_scale_factor: 1.0,
        };
        let pixels = SelfAttention::new(&b, config).unwrap();
        let mut same = b.draw(0).cast::<f64>();
        let part =
            |name: &str, i: usize| ops::narrow(params.get(params.find(name).unwrap()), 0, i * width, width);
        for (i, map) in ["to_q", "to_k", "to_v", "to_out.0"].into_iter().enumerate() {
            let (name, i) = if i < 3 { ("qkv", i) } else { ("proj", 0) };
            for kind in ["weight", "bias"] {
                let to = same.find(&format!("{map}.{kind}")).unwrap();
                *same.get_mut(to) = part(&format!("{name}.{kind}"), i).unwrap();
            }
        }
        let channels_first = ops::permute(&x, &[0, 2, 1]).unwrap();
        let picture = channels_first.reshape([2, width, 1, tokens]).unwrap();
        let expected = pixels.forward(&Ctx::inference(&same), Var::constant(picture.clone())).unwrap();
        for (i, got) in y.value().as_slice().iter().enumerate() {
            let (sample, token, c) = (i / (tokens * width), i / width % tokens, i % width);
            let at = (sample * width + c) * tokens + token;
            let expected = expected.value().as_slice()[at] - picture.as_slice()[at];
            assert!((got - expected).abs() < 1e-12, "{got} is not {expected}");
        }
    }
}
