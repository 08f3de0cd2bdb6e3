use super::{Conv2d, GroupNorm, Linear};
use crate::{Builder, Ctx, Layer};
use serde::{Deserialize, Serialize};
use tweedie_autograd::{Result, Var};
use tweedie_tensor::Element;

/// How the time embedding enters a residual block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TimeShift {
    /// Added to every pixel before the second normalisation (Ho et al. 2020).
    #[default]
    Default,
    /// h (1 + scale) + shift after the second normalisation (Nichol, Dhariwal 2021).
    ScaleShift,
}

/// Whether a residual block changes the size of the picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Resample {
    /// The size stays.
    #[default]
    Keep,
    /// 2×2 average pooling.
    Down,
    /// Nearest-neighbour upsampling by 2.
    Up,
}

/// The configuration of a residual block.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ResnetConfig {
    /// Channels of the input.
    pub inputs: usize,
    /// Channels of the output.
    pub outputs: usize,
    /// Length of the time embedding.
    pub time_width: usize,
    /// Groups of both normalisations.
    pub groups: usize,
    /// The ε of both normalisations.
    pub eps: f64,
    /// How the time embedding enters.
    pub time_shift: TimeShift,
    /// Divisor of the sum of both branches.
    pub output_scale_factor: f64,
    /// Whether the size changes.
    pub resample: Resample,
    /// Share of numbers that dropout sets to 0 before the second convolution ([`Ctx::dropout`]).
    pub dropout: f64,
}

impl ResnetConfig {
    /// A block of the usual kind: the time added, ε = 10⁻⁵, the sum as it is, the same size, no dropout.
    pub fn new(inputs: usize, outputs: usize, time_width: usize, groups: usize) -> ResnetConfig {
        ResnetConfig {
            inputs,
            outputs,
            time_width,
            groups,
            eps: 1e-5,
            time_shift: TimeShift::Default,
            output_scale_factor: 1.0,
            resample: Resample::Keep,
            dropout: 0.0,
        }
    }
}

/// The residual block of diffusers' `ResnetBlock2D`: norm, SiLU, (resample,) convolution; time; norm, SiLU, dropout,
/// convolution; plus the input, through a 1×1 convolution if the channels change.
#[derive(Debug, Clone)]
pub struct ResnetBlock {
    config: ResnetConfig,
    norm1: GroupNorm,
    conv1: Conv2d,
    time_emb_proj: Linear,
    norm2: GroupNorm,
    conv2: Conv2d,
    conv_shortcut: Option<Conv2d>,
}

impl ResnetBlock {
    /// Registers `norm1`, `conv1`, `time_emb_proj`, `norm2`, `conv2`, and `conv_shortcut` if channels change.
    ///
    /// # Errors
    /// A group count that does not divide the channels.
    pub fn new(b: &Builder, config: ResnetConfig) -> Result<ResnetBlock> {
        let ResnetConfig { inputs, outputs, time_width, groups, eps, time_shift, .. } = config;
        let projected = match time_shift {
            TimeShift::Default => outputs,
            TimeShift::ScaleShift => 2 * outputs,
        };
        Ok(ResnetBlock {
            config,
            norm1: GroupNorm::new(&b.pp("norm1"), groups, inputs, eps)?,
            conv1: Conv2d::same3(&b.pp("conv1"), inputs, outputs),
            time_emb_proj: Linear::new(&b.pp("time_emb_proj"), time_width, projected),
            norm2: GroupNorm::new(&b.pp("norm2"), groups, outputs, eps)?,
            conv2: Conv2d::same3(&b.pp("conv2"), outputs, outputs),
            conv_shortcut: (inputs != outputs)
                .then(|| Conv2d::pointwise(&b.pp("conv_shortcut"), inputs, outputs)),
        })
    }

    /// Runs the block on x \[n, `inputs`, h, w\] and the time embedding \[n, `time_width`\] after a SiLU, which a network
    /// computes once for all blocks.
    ///
    /// # Errors
    /// Inputs of the wrong shape.
    pub fn forward<T: Element>(&self, ctx: &Ctx<T>, x: Var<T>, time: Var<T>) -> Result<Var<T>> {
        let h = self.norm1.forward_silu(ctx, x.clone())?;
        let h = self.resample(h)?;
        let time = self.time_emb_proj.forward(ctx, time)?;
        let h = match self.config.time_shift {
            TimeShift::Default => {
                let h = self.conv1.forward_shifted(ctx, h, time)?;
                self.norm2.forward_silu(ctx, h)?
            }
            TimeShift::ScaleShift => {
                let h = self.conv1.forward(ctx, h)?;
                let channels = self.config.outputs;
                let scale = over_pixels(time.clone().narrow(1, 0, channels)?)?.add_scalar(1.0)?;
                let shift = over_pixels(time.narrow(1, channels, channels)?)?;
                self.norm2.forward(ctx, h)?.mul(scale)?.add(shift)?.silu()?
            }
        };
        let h = ctx.dropout(h, self.conv2.weight(), self.config.dropout)?;
        let x = self.resample(x)?;
        let x = match &self.conv_shortcut {
            Some(conv) => conv.forward(ctx, x)?,
            None => x,
        };
        let sum = self.conv2.forward_onto(ctx, h, x)?;
        match self.config.output_scale_factor {
            1.0 => Ok(sum),
            factor => sum.scale(1.0 / factor),
        }
    }

    fn resample<T: Element>(&self, x: Var<T>) -> Result<Var<T>> {
        match self.config.resample {
            Resample::Keep => Ok(x),
            Resample::Down => x.avg_pool2d(2, 2),
            Resample::Up => x.upsample_nearest(2),
        }
    }
}

/// \[n, c\] as \[n, c, 1, 1\], to broadcast over a picture.
fn over_pixels<T: Element>(x: Var<T>) -> Result<Var<T>> {
    let [n, c] = x.shape().exactly("time embedding", "must be [samples, channels]")?;
    x.reshape([n, c, 1, 1])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Params;
    use tweedie_tensor::Tensor;

    /// A convolution of a picture of one pixel, which meets only the centres of the windows.
    fn apply(params: &Params<f64>, name: &str, x: &[f64]) -> Vec<f64> {
        let value = |part: &str| {
            let id = params.find(&format!("{name}.{part}")).unwrap();
            params.get(id)
        };
        let weight = value("weight");
        let (row, centre) = match weight.dims() {
            [_, inputs, 3, 3] => (inputs * 9, 4),
            dims => (dims[1], 0),
        };
        let dot =
            |w: &[f64]| w[centre..].iter().step_by(row / x.len()).zip(x).map(|(w, x)| w * x).sum::<f64>();
        weight.as_slice().chunks(row).zip(value("bias").as_slice()).map(|(w, b)| dot(w) + b).collect()
    }

    fn norm(x: &[f64], groups: usize, eps: f64) -> Vec<f64> {
        let size = x.len() / groups;
        x.chunks(size)
            .flat_map(|group| {
                let mean = group.iter().sum::<f64>() / size as f64;
                let variance = group.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / size as f64;
                group.iter().map(move |v| (v - mean) / (variance + eps).sqrt()).collect::<Vec<_>>()
            })
            .collect()
    }

    fn silu(x: Vec<f64>) -> Vec<f64> {
        x.into_iter().map(|v| v / (1.0 + (-v).exp())).collect()
    }

    #[test]
    fn one_pixel_agrees_with_plain_arithmetic() {
        for (time_shift, inputs) in [(TimeShift::Default, 4), (TimeShift::ScaleShift, 6)] {
            let (outputs, groups, eps, factor) = (6, 2, 0.1, 2.0);
            let b = Builder::new();
            let config = ResnetConfig {
                inputs,
                outputs,
                time_width: 3,
                groups,
                eps,
                time_shift,
                output_scale_factor: factor,
                resample: Resample::Keep,
                dropout: 0.5,
            };
            let block = ResnetBlock::new(&b, config).unwrap();
            let params = b.draw(2).cast::<f64>();
            let x: Vec<f64> = (0..inputs).map(|i| (i * i) as f64 / 4.0 - 1.0).collect();
            let time = [0.5, -1.0, 2.0];
            let picture = Var::constant(Tensor::from_slice([1, inputs, 1, 1], &x).unwrap());
            let embedding = Var::constant(Tensor::from_slice([1, 3], &time).unwrap());
            let y = block.forward(&Ctx::inference(&params), picture, embedding).unwrap();

            let h = apply(&params, "conv1", &silu(norm(&x, groups, eps)));
            let t = apply(&params, "time_emb_proj", &time);
            let h: Vec<f64> = match time_shift {
                TimeShift::Default => {
                    norm(&h.iter().zip(&t).map(|(h, t)| h + t).collect::<Vec<_>>(), groups, eps)
                }
                TimeShift::ScaleShift => {
                    let h = norm(&h, groups, eps);
                    (0..outputs).map(|c| h[c] * (1.0 + t[c]) + t[outputs + c]).collect()
                }
            };
            let h = apply(&params, "conv2", &silu(h));
            let shortcut = if inputs == outputs { x } else { apply(&params, "conv_shortcut", &x) };
            for ((got, h), x) in y.value().as_slice().iter().zip(h).zip(shortcut) {
                let expected = (x + h) / factor;
                assert!((got - expected).abs() < 1e-12, "{got} is not {expected} under {time_shift:?}");
            }
        }
    }
}
