use crate::Result;
use std::fmt;
use tweedie_nn::{Builder, UNet, UNetConfig};
use tweedie_tensor::Shape;
use tweedie_tensor::ops::{Conv2dOptions, Padding};

/// A convolution as a network has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layer {
    /// The pictures that it reads: n, c, h, w.
    pub picture: [usize; 4],
    /// The weights: channels out, channels in, height and width of the window.
    pub weight: [usize; 4],
    /// Stride and padding.
    pub conv: Conv2dOptions,
}

impl Layer {
    /// The shape of its output.
    pub fn output(&self) -> Shape {
        let [n, _, h, w] = self.picture;
        let Conv2dOptions { stride, padding: Padding { top, bottom, left, right } } = self.conv;
        let [out, _, kh, kw] = self.weight;
        [n, out, (h + top + bottom - kh) / stride + 1, (w + left + right - kw) / stride + 1].into()
    }

    /// Multiplications and additions, as the definition has them.
    pub fn flops(&self) -> u64 {
        let [_, c, kh, kw] = self.weight;
        2 * (self.output().numel() * c * kh * kw) as u64
    }

    /// The product that it is: channels out, places, features.
    pub fn product(&self) -> [usize; 3] {
        let [out, c, kh, kw] = self.weight;
        [out, self.output().numel() / out, c * kh * kw]
    }
}

impl fmt::Display for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ([n, c, h, w], [out, _, kh, kw]) = (self.picture, self.weight);
        write!(f, "{n}x{c}x{h}x{w} to {out}, {kh}x{kw}")?;
        if self.conv.stride > 1 { write!(f, " stride {}", self.conv.stride) } else { Ok(()) }
    }
}

/// The distinct convolutions of a network on `batch` pictures of `side` × `side`, in the order in which parameters
/// are registered, and how many layers each stands for.
///
/// # Errors
/// A configuration that makes no network.
pub fn layers(config: &UNetConfig, side: usize, batch: usize) -> Result<Vec<(Layer, usize)>> {
    let builder = Builder::new();
    UNet::new(config, &builder)?;
    let mut found: Vec<(Layer, usize)> = Vec::new();
    for spec in builder.specs() {
        let &[out, c, kh, kw] = spec.shape.dims() else { continue };
        let (level, halves) = place(&spec.name, config.block_out_channels.len());
        let side = (side / config.patch_size) >> level;
        let padding = match halves && config.downsample_padding == 0 {
            true => Padding { top: 0, bottom: 1, left: 0, right: 1 },
            false => Padding::same(kh / 2),
        };
        let conv = Conv2dOptions { stride: if halves { 2 } else { 1 }, padding };
        let layer = Layer { picture: [batch, c, side, side], weight: [out, c, kh, kw], conv };
        match found.iter_mut().find(|(known, _)| *known == layer) {
            Some((_, count)) => *count += 1,
            None => found.push((layer, 1)),
        }
    }
    Ok(found)
}

/// How often a layer's pictures have been halved, and whether it halves them again.
fn place(name: &str, levels: usize) -> (usize, bool) {
    let mut parts = name.split('.');
    let (block, index) = (parts.next(), parts.next().and_then(|index| index.parse::<usize>().ok()));
    match (block, index) {
        (Some("down_blocks"), Some(i)) => (i, name.contains(".downsamplers.")),
        (Some("up_blocks"), Some(i)) => (levels - 1 - i - usize::from(name.contains(".upsamplers.")), false),
        (Some("mid_block"), _) => (levels - 1, false),
        _ => (0, false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_measured_networks_come_to_their_published_cost() {
        // The cost of a picture's step is three forward passes; attention and linear layers are the small rest.
        for (config, side, step) in [(UNetConfig::small(), 28, 2.47e9), (UNetConfig::cifar(), 32, 37.5e9)] {
            let layers = layers(&config, side, 1).unwrap();
            let flops: u64 = layers.iter().map(|(layer, count)| layer.flops() * *count as u64).sum();
            let share = 3.0 * flops as f64 / step;
            assert!((0.9..1.0).contains(&share), "{share}");
        }
    }
}
