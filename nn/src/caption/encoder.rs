use super::CaptionConfig;
use crate::condition::input_error;
use crate::layers::{Embedding, LayerNorm, Mlp, TokenAttention};
use crate::{Builder, Ctx, Layer, Result};
use tweedie_autograd::Var;
use tweedie_tensor::Element;

/// The ε of the normalisations.
const EPS: f64 = 1e-5;
/// The token that fills short captions up to `length`.
const PADDING: usize = 0;

/// Maps captions to a context: embeddings of words and positions, then transformer layers that normalise first (Xiong et
/// al. 2020). It is trained together with the UNet, as in latent diffusion (Rombach et al. 2022).
///
/// Padding is a token like the others, so that the empty caption, all padding, can be learnt: it is the unconditional case
/// of classifier-free guidance.
#[derive(Debug, Clone)]
pub struct CaptionEncoder {
    config: CaptionConfig,
    token_embedding: Embedding,
    position_embedding: Embedding,
    layers: Vec<EncoderLayer>,
    final_norm: LayerNorm,
}

/// x + attention(norm x), then x + MLP(norm x).
#[derive(Debug, Clone)]
struct EncoderLayer {
    norm1: LayerNorm,
    attn: TokenAttention,
    norm2: LayerNorm,
    mlp: Mlp,
}

impl Layer for EncoderLayer {
    fn forward<T: Element>(&self, ctx: &Ctx<T>, x: Var<T>) -> tweedie_autograd::Result<Var<T>> {
        let h = self.attn.forward(ctx, self.norm1.forward(ctx, x.clone())?)?;
        let x = x.add(h)?;
        let h = self.mlp.forward(ctx, self.norm2.forward(ctx, x.clone())?)?;
        x.add(h)
    }
}

impl CaptionEncoder {
    /// Registers `token_embedding`, `position_embedding`, `layers.i` and `final_norm`.
    ///
    /// # Errors
    /// As [`CaptionConfig::validate`].
    pub fn new(config: &CaptionConfig, b: &Builder) -> Result<CaptionEncoder> {
        config.validate()?;
        let CaptionConfig { vocabulary, length, width, depth, num_heads } = *config;
        let layer = |b: Builder| EncoderLayer {
            norm1: LayerNorm::new(&b.pp("norm1"), width, EPS),
            attn: TokenAttention::new(&b.pp("attn"), width, num_heads),
            norm2: LayerNorm::new(&b.pp("norm2"), width, EPS),
            mlp: Mlp::new(&b.pp("mlp"), width, 4 * width),
        };
        Ok(CaptionEncoder {
            config: config.clone(),
            token_embedding: Embedding::new(&b.pp("token_embedding"), vocabulary, width),
            position_embedding: Embedding::new(&b.pp("position_embedding"), length, width),
            layers: (0..depth).map(|i| layer(b.pp("layers").pp(i))).collect(),
            final_norm: LayerNorm::new(&b.pp("final_norm"), width, EPS),
        })
    }

    /// Its configuration.
    pub fn config(&self) -> &CaptionConfig {
        &self.config
    }

    /// Maps n captions of at most `length` tokens to \[n, `length`, `width`\].
    ///
    /// # Errors
    /// [`Error::Input`](crate::Error::Input) for a caption that is too long or has a token that does not exist.
    pub fn forward<T: Element>(&self, ctx: &Ctx<T>, captions: &[Vec<usize>]) -> Result<Var<T>> {
        let CaptionConfig { vocabulary, length, width, .. } = self.config;
        let mut tokens = Vec::with_capacity(captions.len() * length);
        for caption in captions {
            if caption.len() > length {
                let what = format!("a caption of {} tokens", caption.len());
                return Err(input_error("caption encoder", what, format!("{length} are the most")));
            }
            if let Some(token) = caption.iter().find(|&&token| token >= vocabulary) {
                let why = format!("there are tokens 0 to {}", vocabulary - 1);
                return Err(input_error("caption encoder", format!("token {token}"), why));
            }
            tokens
                .extend(caption.iter().copied().chain(std::iter::repeat_n(PADDING, length - caption.len())));
        }
        let words = self.token_embedding.forward(ctx, &tokens)?.reshape([captions.len(), length, width])?;
        let places: Vec<usize> = (0..length).collect();
        let mut x = words.add(self.position_embedding.forward(ctx, &places)?)?;
        for layer in &self.layers {
            x = layer.forward(ctx, x)?;
        }
        Ok(self.final_norm.forward(ctx, x)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoder() -> (CaptionEncoder, crate::Params<f64>) {
        let b = Builder::new();
        let config = CaptionConfig { vocabulary: 5, length: 3, width: 8, depth: 1, num_heads: 2 };
        (CaptionEncoder::new(&config, &b).unwrap(), b.draw(1).cast())
    }

    #[test]
    fn words_and_their_order_count_and_padding_is_a_word() {
        let (encoder, params) = encoder();
        let ctx = Ctx::inference(&params);
        let encode = |caption: &[usize]| {
            let context = encoder.forward(&ctx, &[caption.to_vec()]).unwrap();
            assert_eq!(context.dims(), [1, 3, 8]);
            context.into_value().as_slice().to_vec()
        };
        assert_ne!(encode(&[1, 2, 3]), encode(&[3, 2, 1]));
        assert_ne!(encode(&[1, 2]), encode(&[1, 4]));
        assert_eq!(encode(&[1, 2]), encode(&[1, 2, 0]));
        let both = encoder.forward(&ctx, &[vec![1, 2], vec![]]).unwrap().into_value();
        for (got, expected) in both.as_slice().iter().zip([encode(&[1, 2]), encode(&[])].concat()) {
            assert!((got - expected).abs() < 1e-12);
        }
    }

    #[test]
    fn captions_that_do_not_fit_are_named() {
        let (encoder, params) = encoder();
        let error = |caption| encoder.forward(&Ctx::inference(&params), &[caption]).unwrap_err().to_string();
        assert_eq!(error(vec![1; 4]), "caption encoder: a caption of 4 tokens: 3 are the most");
        assert_eq!(error(vec![0, 5]), "caption encoder: token 5: there are tokens 0 to 4");
    }
}
