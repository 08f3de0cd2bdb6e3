use super::{GroupNorm, Linear};
use crate::{Builder, Ctx, Layer};
use tweedie_autograd::{Result, Var, ops};
use tweedie_tensor::Element;

/// The configuration of a self-attention block.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AttentionConfig {
    /// Channels of input and output.
    pub channels: usize,
    /// Number of heads.
    pub heads: usize,
    /// Channels of a head.
    pub head_dim: usize,
    /// Groups of the normalisation of the input; `None` for no normalisation.
    pub groups: Option<usize>,
    /// The ε of the normalisation.
    pub eps: f64,
    /// Divisor of the sum with the input.
    pub output_scale_factor: f64,
}

/// Attention of every pixel to every pixel (Vaswani et al. 2017), as diffusers' `Attention` in a UNet: norm,
/// queries, keys and values, softmax(q kᵀ / √d) v per head, a linear map; plus the input.
///
/// Everything stays channels-first: the linear maps run as 1×1 convolutions, and nothing is transposed.
#[derive(Debug, Clone)]
pub struct SelfAttention {
    config: AttentionConfig,
    group_norm: Option<GroupNorm>,
    to_q: Linear,
    to_k: Linear,
    to_v: Linear,
    to_out: Linear,
}

impl SelfAttention {
    /// Registers `group_norm` (if it has groups), `to_q`, `to_k`, `to_v` and `to_out.0`.
    ///
    /// # Errors
    /// A group count that does not divide the channels.
    pub fn new(b: &Builder, config: AttentionConfig) -> Result<SelfAttention> {
        let AttentionConfig { channels, heads, head_dim, groups, eps, .. } = config;
        let inner = heads * head_dim;
        Ok(SelfAttention {
            config,
            group_norm: groups
                .map(|groups| GroupNorm::new(&b.pp("group_norm"), groups, channels, eps))
                .transpose()?,
            to_q: Linear::new(&b.pp("to_q"), channels, inner),
            to_k: Linear::new(&b.pp("to_k"), channels, inner),
            to_v: Linear::new(&b.pp("to_v"), channels, inner),
            to_out: Linear::new(&b.pp("to_out.0"), inner, channels),
        })
    }
}

impl Layer for SelfAttention {
    fn forward<T: Element>(&self, ctx: &Ctx<T>, x: Var<T>) -> Result<Var<T>> {
        let AttentionConfig { heads, head_dim, output_scale_factor, .. } = self.config;
        let [n, _, height, width] = x.shape().nchw("self_attention")?;
        let normed = match &self.group_norm {
            Some(norm) => norm.forward(ctx, x.clone())?,
            None => x.clone(),
        };
        let split = |x: Var<T>| x.reshape([n * heads, head_dim, height * width]);
        let q = split(self.to_q.per_place(ctx, normed.clone())?)?;
        let k = split(self.to_k.per_place(ctx, normed.clone())?)?;
        let v = split(self.to_v.per_place(ctx, normed)?)?;
        let mixed = ops::attention(q, k, v, 1.0 / (head_dim as f64).sqrt())?;
        let mixed = mixed.reshape([n, heads * head_dim, height, width])?;
        let sum = self.to_out.per_place(ctx, mixed)?.add(x)?;
        match output_scale_factor {
            1.0 => Ok(sum),
            factor => sum.scale(1.0 / factor),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tweedie_tensor::Tensor;

    /// y\[o\] = Σ_i w\[o, i\] x\[i\] + b\[o\].
    fn linear(w: &[f64], b: &[f64], x: &[f64]) -> Vec<f64> {
        w.chunks(x.len()).zip(b).map(|(w, b)| b + w.iter().zip(x).map(|(w, x)| w * x).sum::<f64>()).collect()
    }

    #[test]
    fn agrees_with_the_definition_token_by_token() {
        let (channels, heads, head_dim, places) = (6, 2, 2, 6);
        for scale in [1.0, 2.0] {
            let b = Builder::new();
            let config = AttentionConfig {
                channels,
                heads,
                head_dim,
                groups: None,
                eps: 0.0,
                output_scale_factor: scale,
            };
            let layer = SelfAttention::new(&b, config).unwrap();
            let params = b.draw(4).cast::<f64>();
            let x = Tensor::from_fn([1, channels, 2, 3], |i| ((i * 5) % 7) as f64 - 3.0);
            let y = layer.forward(&Ctx::inference(&params), Var::constant(x.clone())).unwrap();

            let token = |s: usize| (0..channels).map(|c| x.as_slice()[c * places + s]).collect::<Vec<_>>();
            let values = params.values();
            let project = |at: usize, x: &[f64]| linear(values[at].as_slice(), values[at + 1].as_slice(), x);
            let [q, k, v] =
                [0, 2, 4].map(|at| (0..places).map(|s| project(at, &token(s))).collect::<Vec<_>>());
            for s in 0..places {
                let mut mixed = vec![0.0; heads * head_dim];
                for h in 0..heads {
                    let part = h * head_dim..(h + 1) * head_dim;
                    let weight = |r: usize| {
                        let dot: f64 = part.clone().map(|c| q[s][c] * k[r][c]).sum();
                        (dot / (head_dim as f64).sqrt()).exp()
                    };
                    let total: f64 = (0..places).map(weight).sum();
                    for c in part.clone() {
                        mixed[c] = (0..places).map(|r| weight(r) * v[r][c]).sum::<f64>() / total;
                    }
                }
                let out = project(6, &mixed);
                for c in 0..channels {
                    let expected = (out[c] + token(s)[c]) / scale;
                    let got = y.value().as_slice()[c * places + s];
                    assert!((got - expected).abs() < 1e-12, "{got} is not {expected}");
                }
            }
        }
    }
}
