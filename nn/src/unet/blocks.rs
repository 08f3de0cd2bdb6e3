use super::config::{BlockKind, UNetConfig};
use super::context::ContextAttention;
use crate::layers::{
    AttentionConfig, Downsample, Resample, ResnetBlock, ResnetConfig, SelfAttention, Upsample,
};
use crate::{Builder, Ctx, Layer};
use tweedie_autograd::{Result, Var, ops};
use tweedie_tensor::Element;

/// What every block reads besides the picture: the embedding of time and class, and the context to attend to if the network
/// has one.
pub(super) struct BlockInputs<T: Element> {
    pub(super) time: Var<T>,
    pub(super) context: Option<Var<T>>,
}

/// A residual block, then self-attention and cross-attention to the context, where the network has them at this level.
#[derive(Debug, Clone)]
struct Stage {
    resnet: ResnetBlock,
    attention: Option<SelfAttention>,
    cross_attention: Option<ContextAttention>,
}

impl Stage {
    fn forward<T: Element>(&self, ctx: &Ctx<T>, x: Var<T>, inputs: &BlockInputs<T>) -> Result<Var<T>> {
        let mut x = run(&self.resnet, ctx, x, inputs)?;
        if let Some(attention) = self.attention.clone() {
            x = ctx.checkpoint([x], move |ctx, [x]| attention.forward(ctx, x))?;
        }
        match (&self.cross_attention, &inputs.context) {
            (Some(attention), Some(context)) => {
                let attention = attention.clone();
                ctx.checkpoint([x, context.clone()], move |ctx, [x, context]| {
                    attention.forward(ctx, x, context)
                })
            }
            _ => Ok(x),
        }
    }
}

/// Runs a residual block, a second time in the backward pass if the context recomputes.
fn run<T: Element>(resnet: &ResnetBlock, ctx: &Ctx<T>, x: Var<T>, inputs: &BlockInputs<T>) -> Result<Var<T>> {
    let resnet = resnet.clone();
    ctx.checkpoint([x, inputs.time.clone()], move |ctx, [x, time]| resnet.forward(ctx, x, time))
}

/// The layer that changes the picture's size at the end of a block.
#[derive(Debug, Clone)]
enum Resampler {
    Down(Downsample),
    Up(Upsample),
    Resnet(Box<ResnetBlock>),
}

impl Resampler {
    fn forward<T: Element>(&self, ctx: &Ctx<T>, x: Var<T>, inputs: &BlockInputs<T>) -> Result<Var<T>> {
        match self {
            Resampler::Down(layer) => layer.forward(ctx, x),
            Resampler::Up(layer) => layer.forward(ctx, x),
            Resampler::Resnet(block) => run(block, ctx, x, inputs),
        }
    }
}

fn resnet_config(config: &UNetConfig, inputs: usize, outputs: usize) -> ResnetConfig {
    ResnetConfig {
        inputs,
        outputs,
        time_width: config.time_width(),
        groups: config.norm_num_groups,
        eps: config.norm_eps,
        time_shift: config.resnet_time_scale_shift,
        output_scale_factor: 1.0,
        resample: Resample::Keep,
        dropout: config.dropout,
    }
}

fn attention_config(config: &UNetConfig, channels: usize) -> AttentionConfig {
    let head_dim = config.attention_head_dim.unwrap_or(channels);
    AttentionConfig {
        channels,
        heads: channels / head_dim,
        head_dim,
        groups: Some(config.norm_num_groups),
        eps: config.norm_eps,
        output_scale_factor: 1.0,
    }
}

fn stage(b: &Builder, config: &UNetConfig, at: usize, attends: bool, channels: [usize; 2]) -> Result<Stage> {
    let [inputs, outputs] = channels;
    let resnet = ResnetBlock::new(&b.pp("resnets").pp(at), resnet_config(config, inputs, outputs))?;
    let attention = attends
        .then(|| SelfAttention::new(&b.pp("attentions").pp(at), attention_config(config, outputs)))
        .transpose()?;
    let cross_attention = attends.then(|| cross_attention(b, config, at, outputs)).transpose()?.flatten();
    Ok(Stage { resnet, attention, cross_attention })
}

fn cross_attention(
    b: &Builder,
    config: &UNetConfig,
    at: usize,
    channels: usize,
) -> Result<Option<ContextAttention>> {
    let b = b.pp("cross_attentions").pp(at);
    let context = config.cross_attention_dim;
    context.map(|width| ContextAttention::new(&b, attention_config(config, channels), width)).transpose()
}

fn resampling_resnet(
    b: &Builder,
    config: &UNetConfig,
    channels: usize,
    resample: Resample,
) -> Result<Resampler> {
    let config = ResnetConfig { resample, ..resnet_config(config, channels, channels) };
    Ok(Resampler::Resnet(Box::new(ResnetBlock::new(b, config)?)))
}

/// Residual blocks at one size, then downsampling but at the last size.
#[derive(Debug, Clone)]
pub(super) struct DownBlock {
    stages: Vec<Stage>,
    downsampler: Option<Resampler>,
}

impl DownBlock {
    pub(super) fn new(
        b: &Builder,
        config: &UNetConfig,
        kind: BlockKind,
        inputs: usize,
        outputs: usize,
        halves: bool,
    ) -> Result<DownBlock> {
        let stages = (0..config.layers_per_block)
            .map(|i| stage(b, config, i, kind.attention, [if i == 0 { inputs } else { outputs }, outputs]))
            .collect::<Result<_>>()?;
        let at = b.pp("downsamplers.0");
        let downsampler = match (halves, kind.resnet_resample) {
            (false, _) => None,
            (true, false) => Some(Resampler::Down(Downsample::new(&at, outputs, config.downsample_padding))),
            (true, true) => Some(resampling_resnet(&at, config, outputs, Resample::Down)?),
        };
        Ok(DownBlock { stages, downsampler })
    }

    /// Runs the block, and pushes every output that an up block will read.
    pub(super) fn forward<T: Element>(
        &self,
        ctx: &Ctx<T>,
        mut x: Var<T>,
        inputs: &BlockInputs<T>,
        skips: &mut Vec<Var<T>>,
    ) -> Result<Var<T>> {
        for stage in &self.stages {
            x = stage.forward(ctx, x, inputs)?;
            skips.push(x.clone());
        }
        if let Some(downsampler) = &self.downsampler {
            x = downsampler.forward(ctx, x, inputs)?;
            skips.push(x.clone());
        }
        Ok(x)
    }
}

/// Two residual blocks at the smallest size, with attention between them if configured.
#[derive(Debug, Clone)]
pub(super) struct MidBlock {
    first: Stage,
    second: Stage,
}

impl MidBlock {
    pub(super) fn new(b: &Builder, config: &UNetConfig, channels: usize) -> Result<MidBlock> {
        let output_scale_factor = config.mid_block_scale_factor;
        let resnet = |at: usize| {
            let shape = ResnetConfig { output_scale_factor, ..resnet_config(config, channels, channels) };
            ResnetBlock::new(&b.pp("resnets").pp(at), shape)
        };
        let default = match config.resnet_time_scale_shift {
            crate::layers::TimeShift::Default => Some(config.norm_num_groups),
            crate::layers::TimeShift::ScaleShift => None,
        };
        let shape = AttentionConfig {
            output_scale_factor,
            groups: config.attn_norm_num_groups.or(default),
            ..attention_config(config, channels)
        };
        let first = resnet(0)?;
        let attention =
            config.add_attention.then(|| SelfAttention::new(&b.pp("attentions.0"), shape)).transpose()?;
        let cross_attention = match config.add_attention {
            true => cross_attention(b, config, 0, channels)?,
            false => None,
        };
        let second = resnet(1)?;
        Ok(MidBlock {
            first: Stage { resnet: first, attention, cross_attention },
            second: Stage { resnet: second, attention: None, cross_attention: None },
        })
    }

    pub(super) fn forward<T: Element>(
        &self,
        ctx: &Ctx<T>,
        x: Var<T>,
        inputs: &BlockInputs<T>,
    ) -> Result<Var<T>> {
        let x = self.first.forward(ctx, x, inputs)?;
        self.second.forward(ctx, x, inputs)
    }
}

/// Residual blocks at one size, each on its input concatenated with one output of the down blocks, then upsampling but at
/// the last size.
#[derive(Debug, Clone)]
pub(super) struct UpBlock {
    stages: Vec<Stage>,
    upsampler: Option<Resampler>,
}

impl UpBlock {
    /// `previous`: channels of the input. `outputs`: channels at this size, also of all skips but the last. `next`: channels
    /// of the last skip, an output of the next larger size.
    pub(super) fn new(
        b: &Builder,
        config: &UNetConfig,
        kind: BlockKind,
        [previous, outputs, next]: [usize; 3],
        doubles: bool,
    ) -> Result<UpBlock> {
        let last = config.layers_per_block;
        let stages = (0..=last)
            .map(|i| {
                let skip = if i == last { next } else { outputs };
                let inputs = if i == 0 { previous } else { outputs };
                stage(b, config, i, kind.attention, [inputs + skip, outputs])
            })
            .collect::<Result<_>>()?;
        let at = b.pp("upsamplers.0");
        let upsampler = match (doubles, kind.resnet_resample) {
            (false, _) => None,
            (true, false) => Some(Resampler::Up(Upsample::new(&at, outputs))),
            (true, true) => Some(resampling_resnet(&at, config, outputs, Resample::Up)?),
        };
        Ok(UpBlock { stages, upsampler })
    }

    /// Runs the block, and pops the skips that it reads.
    pub(super) fn forward<T: Element>(
        &self,
        ctx: &Ctx<T>,
        mut x: Var<T>,
        inputs: &BlockInputs<T>,
        skips: &mut Vec<Var<T>>,
    ) -> Result<Var<T>> {
        for stage in &self.stages {
            let joined = match skips.pop() {
                Some(skip) => ops::concat([x, skip], 1)?,
                None => x,
            };
            x = stage.forward(ctx, joined, inputs)?;
        }
        match &self.upsampler {
            Some(upsampler) => upsampler.forward(ctx, x, inputs),
            None => Ok(x),
        }
    }
}
