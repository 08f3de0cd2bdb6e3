use super::UNetConfig;
use super::blocks::{DownBlock, MidBlock, UpBlock};
use crate::layers::{Conv2d, Embedding, GroupNorm, Sinusoid, TimestepEmbedding, patchify, unpatchify};
use crate::{Builder, Ctx, Error, Init, Layer, Result};
use tweedie_autograd::Var;
use tweedie_tensor::{Element, ops};

/// A network that maps a noisy picture and its time to a picture: the noise in it, its origin, or its velocity.
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
    sinusoid: Sinusoid,
    conv_in: Conv2d,
    time_embedding: TimestepEmbedding,
    class_embedding: Option<Embedding>,
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
        let time_embedding = TimestepEmbedding::new(&b.pp("time_embedding"), first, time_width);
        let class_embedding =
            config.num_class_embeds.map(|count| Embedding::new(&b.pp("class_embedding"), count, time_width));
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
                channels[(level + 1).min(last)], // what comes up from below
                channels[level],
                channels[level.saturating_sub(1)],
            ];
            up_blocks.push(UpBlock::new(&b.pp("up_blocks").pp(i), config, kind, widths, i < last)?);
        }
        let conv_norm_out =
            GroupNorm::new(&b.pp("conv_norm_out"), config.norm_num_groups, first, config.norm_eps)?;
        let init = if config.zero_init_output { Init::Zeros } else { Init::FanIn(9 * first) };
        let same = ops::Conv2d { stride: 1, padding: ops::Padding { top: 1, bottom: 1, left: 1, right: 1 } };
        let conv_out =
            Conv2d::with_init(&b.pp("conv_out"), first, config.out_channels * patch, 3, same, init);
        let sinusoid = Sinusoid {
            width: first,
            flip_sin_to_cos: config.flip_sin_to_cos,
            downscale_freq_shift: config.freq_shift,
            max_period: 10_000.0,
        };
        Ok(UNet {
            config: config.clone(),
            sinusoid,
            conv_in,
            time_embedding,
            class_embedding,
            down_blocks,
            mid_block,
            up_blocks,
            conv_norm_out,
            conv_out,
        })
    }

    /// What it was built from.
    pub fn config(&self) -> &UNetConfig {
        &self.config
    }

    /// Maps x \[n, `in_channels`, h, w\] to \[n, `out_channels`, h, w\]. `timesteps` has one time per sample, or one
    /// for all; `classes` likewise, and is given exactly if the model has classes.
    ///
    /// # Errors
    /// [`Error::Input`] when x has other channels, or sides that cannot be halved often enough; when there are not
    /// as many times or classes as samples; when classes are missing, uncalled for, or out of range.
    pub fn forward<T: Element>(
        &self,
        ctx: &Ctx<T>,
        x: Var<T>,
        timesteps: &[f64],
        classes: Option<&[usize]>,
    ) -> Result<Var<T>> {
        let n = self.check_picture(&x)?;
        let time = self.embed(ctx, n, timesteps, classes)?;
        let x = match self.config.center_input_sample {
            true => x.scale(2.0)?.add_scalar(-1.0)?,
            false => x,
        };
        let mut x = self.conv_in.forward(ctx, patchify(x, self.config.patch_size)?)?;
        let mut skips = vec![x.clone()];
        for block in &self.down_blocks {
            x = block.forward(ctx, x, &time, &mut skips)?;
        }
        if let Some(block) = &self.mid_block {
            x = block.forward(ctx, x, &time)?;
        }
        for block in &self.up_blocks {
            x = block.forward(ctx, x, &time, &mut skips)?;
        }
        let x = self.conv_norm_out.forward_silu(ctx, x)?;
        Ok(unpatchify(self.conv_out.forward(ctx, x)?, self.config.patch_size)?)
    }

    /// The embedding of times and classes, after the SiLU with which every block would begin: \[n, `time_width`\].
    fn embed<T: Element>(
        &self,
        ctx: &Ctx<T>,
        n: usize,
        timesteps: &[f64],
        classes: Option<&[usize]>,
    ) -> Result<Var<T>> {
        let timesteps = per_sample(timesteps, n, "timesteps")?;
        let time = self.time_embedding.forward(ctx, Var::constant(self.sinusoid.embed(&timesteps)))?;
        let embedding = match (&self.class_embedding, classes) {
            (None, None) => time,
            (Some(table), Some(classes)) => {
                let classes = per_sample(classes, n, "classes")?;
                if let Some(class) = classes.iter().find(|&&class| class >= table.count()) {
                    let why = format!("the model has classes 0 to {}", table.count() - 1);
                    return Err(input(format!("class {class}"), why));
                }
                time.add(table.forward(ctx, &classes)?)?
            }
            (Some(table), None) => {
                let why = format!("the model has {} classes, and needs one per sample", table.count());
                return Err(input("no classes".to_string(), why));
            }
            (None, Some(_)) => {
                return Err(input("classes".to_string(), "the model has none".to_string()));
            }
        };
        Ok(embedding.silu()?)
    }

    fn check_picture<T: Element>(&self, x: &Var<T>) -> Result<usize> {
        let [n, channels, height, width] = x.shape().nchw("unet")?;
        let refuse = |why| Err(input(format!("pictures {}", x.shape()), why));
        if channels != self.config.in_channels {
            return refuse(format!("the model takes {} channels", self.config.in_channels));
        }
        let multiple = self.config.size_multiple();
        if height == 0 || width == 0 || !height.is_multiple_of(multiple) || !width.is_multiple_of(multiple) {
            return refuse(format!("height and width must be multiples of {multiple}"));
        }
        Ok(n)
    }
}

fn input(what: String, why: String) -> Error {
    Error::Input { network: "unet", what, why }
}

/// One value per sample, from as many or from one for all.
fn per_sample<V: Copy>(values: &[V], n: usize, what: &str) -> Result<Vec<V>> {
    match values {
        [one] => Ok(vec![*one; n]),
        _ if values.len() == n => Ok(values.to_vec()),
        _ => {
            let why = format!("one for each of {n} samples is needed, or one for all");
            Err(input(format!("{} {what}", values.len()), why))
        }
    }
}
