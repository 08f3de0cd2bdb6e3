use super::blocks::{BlockInputs, DownBlock, MidBlock, UpBlock};
use super::config::UNetConfig;
use crate::condition::{ConditionEmbedding, ConditionInputs, check_picture, input_error};
use crate::layers::{Conv2d, GroupNorm, Sinusoid, patchify, unpatchify};
use crate::{Builder, Ctx, Init, Layer, Result};
use tweedie_autograd::Var;
use tweedie_tensor::{Element, ops};

/// A network that maps a noisy picture and its time to a prediction of the noise, the clean picture, or the velocity.
///
/// ```
/// use tweedie_nn::{Builder, UNet, UNetConfig};
/// let builder = Builder::new();
/// let unet = UNet::new(&UNetConfig::cifar(), &builder)?;
/// assert_eq!(builder.numel(), 35_746_307);
/// # Ok::<(), tweedie_nn::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct UNet {
    config: UNetConfig,
    conv_in: Conv2d,
    condition: ConditionEmbedding,
    down_blocks: Vec<DownBlock>,
    mid_block: Option<MidBlock>,
    up_blocks: Vec<UpBlock>,
    conv_norm_out: GroupNorm,
    conv_out: Conv2d,
}

impl UNet {
    /// Builds the network, and registers its parameters in the order in which the forward pass uses them.
    ///
    /// # Errors
    /// As [`UNetConfig::validate`].
    pub fn new(config: &UNetConfig, b: &Builder) -> Result<UNet> {
        config.validate()?;
        let channels = &config.block_out_channels;
        let (first, last) = (channels[0], channels.len() - 1);
        let time_width = config.time_width();
        let patch = config.patch_size * config.patch_size;
        let conv_in = Conv2d::same3(&b.pp("conv_in"), config.in_channels * patch, first);
        let sinusoid = Sinusoid {
            width: first,
            flip_sin_to_cos: config.flip_sin_to_cos,
            downscale_freq_shift: config.freq_shift,
            max_period: 10_000.0,
        };
        let (classes, context) = (config.num_class_embeds, config.cross_attention_dim);
        let condition = ConditionEmbedding::new(b, "unet", sinusoid, time_width, classes, context);
        let mut down_blocks = Vec::new();
        for (i, kind) in config.down_blocks()?.into_iter().enumerate() {
            let (inputs, outputs) = (channels[i.saturating_sub(1)], channels[i]);
            let at = b.pp("down_blocks").pp(i);
            down_blocks.push(DownBlock::new(&at, config, kind, inputs, outputs, i < last)?);
        }
        let mid_block = config
            .mid_block_type
            .as_ref()
            .map(|_| MidBlock::new(&b.pp("mid_block"), config, channels[last]))
            .transpose()?;
        let mut up_blocks = Vec::new();
        for (i, kind) in config.up_blocks()?.into_iter().enumerate() {
            let level = last - i;
            let widths = [
                channels[(level + 1).min(last)], // from the next smaller size
                channels[level],
                channels[level.saturating_sub(1)],
            ];
            up_blocks.push(UpBlock::new(&b.pp("up_blocks").pp(i), config, kind, widths, i < last)?);
        }
        let conv_norm_out =
            GroupNorm::new(&b.pp("conv_norm_out"), config.norm_num_groups, first, config.norm_eps)?;
        let init = if config.zero_init_output { Init::Zeros } else { Init::FanIn(9 * first) };
        let same =
            ops::Conv2dOptions { stride: 1, padding: ops::Padding { top: 1, bottom: 1, left: 1, right: 1 } };
        let conv_out =
            Conv2d::with_init(&b.pp("conv_out"), first, config.out_channels * patch, 3, same, init);
        Ok(UNet {
            config: config.clone(),
            conv_in,
            condition,
            down_blocks,
            mid_block,
            up_blocks,
            conv_norm_out,
            conv_out,
        })
    }

    /// Its configuration.
    pub fn config(&self) -> &UNetConfig {
        &self.config
    }

    /// Maps x \[n, `in_channels`, h, w\] to \[n, `out_channels`, h, w\]. `timesteps` has one time per sample, or one
    /// for all; `classes` likewise, and is given exactly if the model has classes.
    ///
    /// # Errors
    /// [`Error::Input`](crate::Error::Input) when x has other channels, or sides that cannot be halved often enough; when there are not
    /// as many times or classes as samples; when classes are missing, not expected, or out of range.
    pub fn forward<T: Element>(
        &self,
        ctx: &Ctx<T>,
        x: Var<T>,
        timesteps: &[f64],
        classes: Option<&[usize]>,
    ) -> Result<Var<T>> {
        self.forward_in_context(ctx, x, timesteps, classes, None)
    }

    /// As [`UNet::forward`], for a model with `cross_attention_dim`: `context` is \[n, tokens, `cross_attention_dim`\],
    /// what diffusers calls `encoder_hidden_states`.
    ///
    /// # Errors
    /// As [`UNet::forward`]; a context of another shape, missing or not expected.
    pub fn forward_in_context<T: Element>(
        &self,
        ctx: &Ctx<T>,
        x: Var<T>,
        timesteps: &[f64],
        classes: Option<&[usize]>,
        context: Option<Var<T>>,
    ) -> Result<Var<T>> {
        let n = check_picture("unet", &x, self.config.in_channels, self.config.size_multiple())?;
        let context = self.check_context(n, context)?;
        let inputs = ConditionInputs { timesteps, classes, context: context.as_ref() };
        let inputs = BlockInputs { time: self.condition.forward(ctx, n, &inputs)?, context };
        let x = match self.config.center_input_sample {
            true => x.scale(2.0)?.add_scalar(-1.0)?,
            false => x,
        };
        let mut x = self.conv_in.forward(ctx, patchify(x, self.config.patch_size)?)?;
        let mut skips = vec![x.clone()];
        for block in &self.down_blocks {
            x = block.forward(ctx, x, &inputs, &mut skips)?;
        }
        if let Some(block) = &self.mid_block {
            x = block.forward(ctx, x, &inputs)?;
        }
        for block in &self.up_blocks {
            x = block.forward(ctx, x, &inputs, &mut skips)?;
        }
        let x = self.conv_norm_out.forward_silu(ctx, x)?;
        Ok(unpatchify(self.conv_out.forward(ctx, x)?, self.config.patch_size)?)
    }

    fn check_context<T: Element>(&self, n: usize, context: Option<Var<T>>) -> Result<Option<Var<T>>> {
        let refuse = |what: String, why: &str| Err(input_error("unet", what, why));
        match (self.config.cross_attention_dim, &context) {
            (None, None) => Ok(None),
            (None, Some(_)) => refuse("a context".to_string(), "the model has no cross_attention_dim"),
            (Some(width), Some(given)) => match given.dims() {
                &[samples, _, numbers] if (samples, numbers) == (n, width) => Ok(context),
                _ => {
                    let why = format!("the model takes [{n}, tokens, {width}] with these pictures");
                    refuse(format!("a context {}", given.shape()), &why)
                }
            },
            (Some(_), None) => refuse("no context".to_string(), "the model attends to one"),
        }
    }
}
