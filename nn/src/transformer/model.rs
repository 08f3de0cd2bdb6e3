use super::TransformerConfig;
use super::block::Block;
use super::final_layer::FinalLayer;
use crate::condition::{ConditionEmbedding, ConditionInputs, check_picture};
use crate::layers::{Linear, Sinusoid, patchify, positions, unpatchify};
use crate::{Builder, Ctx, Result};
use tweedie_autograd::Var;
use tweedie_tensor::{Element, Tensor};

/// Length of the sinusoidal embedding of time.
const FREQUENCIES: usize = 256;

/// A transformer over the patches of a noisy picture. Untrained, it predicts 0.
///
/// ```
/// use tweedie_nn::{Builder, Transformer, TransformerConfig};
/// let builder = Builder::new();
/// let config = TransformerConfig { in_channels: 4, out_channels: 8, num_class_embeds: Some(1001), ..Default::default() };
/// Transformer::new(&config, &builder)?;
/// assert_eq!(builder.numel(), 32_865_056); // DiT-S/2: 33 million (table 1)
/// # Ok::<(), tweedie_nn::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Transformer {
    config: TransformerConfig,
    x_embedder: Linear,
    condition: ConditionEmbedding,
    blocks: Vec<Block>,
    final_layer: FinalLayer,
}

impl Transformer {
    /// Builds the network, and registers its parameters in the order in which the forward pass uses them.
    ///
    /// # Errors
    /// As [`TransformerConfig::validate`].
    pub fn new(config: &TransformerConfig, b: &Builder) -> Result<Transformer> {
        config.validate()?;
        let (width, heads, inner) = (config.hidden_size, config.num_heads, config.mlp_width());
        let patch = config.patch_size * config.patch_size;
        let x_embedder = Linear::new(&b.pp("x_embedder.proj"), config.in_channels * patch, width);
        let sinusoid = Sinusoid::transformer(FREQUENCIES);
        let condition = ConditionEmbedding::new(b, NAME, sinusoid, width, config.num_class_embeds, None);
        let blocks =
            (0..config.depth).map(|i| Block::new(&b.pp("blocks").pp(i), width, heads, inner)).collect();
        let final_layer = FinalLayer::new(&b.pp("final_layer"), width, config.out_channels * patch);
        Ok(Transformer { config: config.clone(), x_embedder, condition, blocks, final_layer })
    }

    /// Its configuration.
    pub fn config(&self) -> &TransformerConfig {
        &self.config
    }

    /// Maps x \[n, `in_channels`, h, w\] to \[n, `out_channels`, h, w\]. `timesteps` has one time per sample, or one
    /// for all; `classes` likewise, and is given exactly if the model has classes.
    ///
    /// # Errors
    /// [`Error::Input`](crate::Error::Input) when x has other channels, or sides that are not multiples of the patch
    /// size; when there are not as many times or classes as samples; when classes are missing, not expected, or out of range.
    pub fn forward<T: Element>(
        &self,
        ctx: &Ctx<T>,
        x: Var<T>,
        timesteps: &[f64],
        classes: Option<&[usize]>,
    ) -> Result<Var<T>> {
        let TransformerConfig { in_channels, patch_size, hidden_size, .. } = self.config;
        let n = check_picture(NAME, &x, in_channels, patch_size)?;
        let condition =
            self.condition.forward(ctx, n, &ConditionInputs { timesteps, classes, context: None })?;
        let patches = patchify(x, patch_size)?;
        let [_, numbers, rows, columns] = patches.shape().nchw(NAME)?;
        let patches = patches.reshape([n, numbers, rows * columns])?;
        let places = positions(rows, columns, hidden_size)?;
        let y = self.tokens(ctx, patches, places, condition)?;
        let y = y.permute(&[0, 2, 1])?;
        let [_, numbers, _] = y.shape().exactly(NAME, "must be [samples, numbers, tokens]")?;
        Ok(unpatchify(y.reshape([n, numbers, rows, columns])?, patch_size)?)
    }

    /// Maps patches \[n, c·p², s\] with position embeddings `places` \[s, d\] to output patches \[n, s, c·p²\].
    fn tokens<T: Element>(
        &self,
        ctx: &Ctx<T>,
        patches: Var<T>,
        places: Tensor<T>,
        condition: Var<T>,
    ) -> Result<Var<T>> {
        let mut x = self.x_embedder.channels_last(ctx, patches)?.add(Var::constant(places))?;
        for block in &self.blocks {
            let block = block.clone();
            x = ctx.checkpoint([x, condition.clone()], move |ctx, [x, condition]| {
                block.forward(ctx, x, condition)
            })?;
        }
        Ok(self.final_layer.forward(ctx, x, condition)?)
    }
}

const NAME: &str = "transformer";

#[cfg(test)]
mod tests;
