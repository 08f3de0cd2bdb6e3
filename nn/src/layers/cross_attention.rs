use super::Linear;
use crate::{Builder, Ctx};
use tweedie_autograd::{Result, Var, ops};
use tweedie_tensor::{Element, ops as tensor};

/// What a [`CrossAttention`] is made from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CrossAttentionConfig {
    /// Channels of the pictures.
    pub channels: usize,
    /// Length of a token of the context.
    pub context_width: usize,
    /// Number of heads.
    pub heads: usize,
    /// Channels of a head.
    pub head_dim: usize,
    /// Whether the maps to queries, keys and values have a bias.
    pub qkv_bias: bool,
}

/// Attention of every pixel to the tokens of a context (Vaswani et al. 2017; in diffusion, Rombach et al. 2022).
///
/// Keys and values are computed from the context. Normalisation and the residual sum are left to the block around it.
#[derive(Debug, Clone)]
pub struct CrossAttention {
    heads: usize,
    head_dim: usize,
    to_q: Linear,
    to_k: Linear,
    to_v: Linear,
    to_out: Linear,
}

impl CrossAttention {
    /// Registers `to_q`, `to_k`, `to_v` and `to_out.0`.
    pub fn new(b: &Builder, config: CrossAttentionConfig) -> CrossAttention {
        let CrossAttentionConfig { channels, context_width, heads, head_dim, qkv_bias } = config;
        let inner = heads * head_dim;
        let map = |name: &str, inputs: usize| match qkv_bias {
            true => Linear::new(&b.pp(name), inputs, inner),
            false => Linear::without_bias(&b.pp(name), inputs, inner),
        };
        CrossAttention {
            heads,
            head_dim,
            to_q: map("to_q", channels),
            to_k: map("to_k", context_width),
            to_v: map("to_v", context_width),
            to_out: Linear::new(&b.pp("to_out.0"), inner, channels),
        }
    }

    /// Attends from x \[n, `channels`, h, w\] to `context` \[n, tokens, `context_width`\]; the result has x's shape.
    ///
    /// # Errors
    /// Inputs of the wrong shape.
    pub fn forward<T: Element>(&self, ctx: &Ctx<T>, x: Var<T>, context: Var<T>) -> Result<Var<T>> {
        let [n, _, height, width] = x.shape().nchw("cross_attention")?;
        let [_, tokens, _] =
            context.shape().exactly("cross_attention", "must be [samples, tokens, numbers]")?;
        let inner = self.heads * self.head_dim;
        let q = self.to_q.per_place(ctx, x)?.reshape([n * self.heads, self.head_dim, height * width])?;
        let from_context = |linear: &Linear, context: Var<T>| {
            linear.channels_first(ctx, context)?.reshape([n * self.heads, self.head_dim, tokens])
        };
        let k = from_context(&self.to_k, context.clone())?;
        let v = from_context(&self.to_v, context)?;
        let scale = 1.0 / (self.head_dim as f64).sqrt();
        ctx.keep_attention_map(|| {
            let products = tensor::matmul(q.value(), true, k.value(), false)?;
            let weights = tensor::softmax(tensor::scale(products, scale))?;
            let by_head = weights.reshape([n, self.heads, height * width, tokens])?;
            let mean = tensor::mean_axis(&by_head, 1, tensor::KeepDim::No)?;
            Ok(tensor::transpose_last(&mean)?.reshape([n, tokens, height, width])?)
        })?;
        let mixed = ops::attention(q, k, v, scale)?;
        self.to_out.per_place(ctx, mixed.reshape([n, inner, height, width])?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tweedie_tensor::Tensor;

    #[test]
    fn every_pixel_gets_the_mean_of_the_tokens_weighted_by_its_attention() {
        let (n, channels, width, heads, head_dim, tokens) = (2, 3, 5, 2, 4, 3);
        for qkv_bias in [false, true] {
            let b = Builder::new();
            let layer = CrossAttention::new(
                &b,
                CrossAttentionConfig { channels, context_width: width, heads, head_dim, qkv_bias },
            );
            let params = b.draw(9).cast::<f64>();
            let x = Tensor::from_fn([n, channels, 1, 2], |i| ((i * 3) % 5) as f64 - 2.0);
            let context = Tensor::from_fn([n, tokens, width], |i| ((i * 7) % 11) as f64 / 4.0 - 1.0);
            let ctx = Ctx::inference(&params).with_attention_maps();
            let y = layer.forward(&ctx, Var::constant(x.clone()), Var::constant(context.clone())).unwrap();
            assert_eq!(y.dims(), x.dims());
            let maps = ctx.take_attention_maps();
            assert_eq!((maps.len(), maps[0].dims()), (1, &[n, tokens, 1, 2][..]));

            let find = |name: &str| params.find(name).map(|id| params.get(id).as_slice());
            let apply = |name: &str, x: &[f64]| -> Vec<f64> {
                let weight = find(&format!("{name}.weight")).unwrap();
                let bias = find(&format!("{name}.bias"));
                let dot = |row: &[f64]| row.iter().zip(x).map(|(w, x)| w * x).sum::<f64>();
                weight
                    .chunks(x.len())
                    .enumerate()
                    .map(|(o, row)| dot(row) + bias.map_or(0.0, |b| b[o]))
                    .collect()
            };
            for (i, s) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
                let pixel: Vec<f64> =
                    (0..channels).map(|c| x.as_slice()[(i * channels + c) * 2 + s]).collect();
                let q = apply("to_q", &pixel);
                let token = |r: usize| &context.as_slice()[(i * tokens + r) * width..][..width];
                let k: Vec<_> = (0..tokens).map(|r| apply("to_k", token(r))).collect();
                let v: Vec<_> = (0..tokens).map(|r| apply("to_v", token(r))).collect();
                let weight = |head: usize, r: usize| {
                    let weight = |r: usize| {
                        let part = head * head_dim..(head + 1) * head_dim;
                        (part.map(|c| q[c] * k[r][c]).sum::<f64>() / (head_dim as f64).sqrt()).exp()
                    };
                    weight(r) / (0..tokens).map(weight).sum::<f64>()
                };
                for r in 0..tokens {
                    let mean = (0..heads).map(|head| weight(head, r)).sum::<f64>() / heads as f64;
                    let kept = maps[0].as_slice()[(i * tokens + r) * 2 + s];
                    assert!((kept - mean).abs() < 1e-12, "{kept} is not {mean}");
                }
                let mixed: Vec<f64> = (0..heads * head_dim)
                    .map(|c| (0..tokens).map(|r| weight(c / head_dim, r) * v[r][c]).sum())
                    .collect();
                for (c, expected) in apply("to_out.0", &mixed).into_iter().enumerate() {
                    let got = y.value().as_slice()[(i * channels + c) * 2 + s];
                    assert!((got - expected).abs() < 1e-12, "{got} is not {expected}");
                }
            }
        }
    }
}
