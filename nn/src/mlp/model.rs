use super::MlpConfig;
use super::block::Block;
use super::position::{self, position_code};
use crate::condition::{ConditionEmbedding, ConditionInputs, check_picture, input_error};
use crate::layers::{Linear, Sinusoid};
use crate::{Builder, Ctx, Layer, Result};
use tweedie_autograd::Var;
use tweedie_tensor::Element;

/// Length of the sinusoidal embedding of time.
const FREQUENCIES: usize = 64;

/// A residual network of linear layers over the numbers of a noisy picture, each of them told by a code of its place. Untrained,
/// it predicts 0.
///
/// ```
/// use tweedie_autograd::Var;
/// use tweedie_nn::{Builder, Ctx, MlpConfig, ResidualMlp};
/// use tweedie_tensor::Tensor;
/// let builder = Builder::new();
/// let network = ResidualMlp::new(&MlpConfig::default(), &builder)?;
/// let params = builder.draw(0);
/// let points = Var::constant(Tensor::full([10, 2, 1, 1], 0.5));
/// let y = network.forward(&Ctx::inference(&params), points, &[400.0], None)?;
/// assert_eq!(y.dims(), [10, 2, 1, 1]);
/// # Ok::<(), tweedie_nn::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct ResidualMlp {
    config: MlpConfig,
    linear_in: Linear,
    condition: ConditionEmbedding,
    blocks: Vec<Block>,
    linear_out: Linear,
}

impl ResidualMlp {
    /// Builds the network, and registers its parameters in the order in which the forward pass uses them.
    ///
    /// # Errors
    /// As [`MlpConfig::validate`].
    pub fn new(config: &MlpConfig, b: &Builder) -> Result<ResidualMlp> {
        config.validate()?;
        let (width, pixels) = (config.hidden_size, config.sides().iter().product::<usize>());
        let linear_in =
            Linear::new(&b.pp("linear_in"), config.in_channels * pixels * position::LENGTH, width);
        let sinusoid = Sinusoid::ddpm(FREQUENCIES);
        let condition = ConditionEmbedding::new(b, NAME, sinusoid, width, config.num_class_embeds, None);
        let blocks = (0..config.depth).map(|i| Block::new(&b.pp("blocks").pp(i), width)).collect();
        let linear_out = Linear::zeros(&b.pp("linear_out"), width, config.out_channels * pixels);
        Ok(ResidualMlp { config: config.clone(), linear_in, condition, blocks, linear_out })
    }

    /// Its configuration.
    pub fn config(&self) -> &MlpConfig {
        &self.config
    }

    /// Maps x \[n, `in_channels`, h, w\] to \[n, `out_channels`, h, w\]. `timesteps` has one time per sample, or one
    /// for all; `classes` likewise, and is given exactly if the model has classes.
    ///
    /// # Errors
    /// [`Error::Input`](crate::Error::Input) when x has other channels or another size; when there are not as many times or
    /// classes as samples; when classes are missing, not expected, or out of range.
    pub fn forward<T: Element>(
        &self,
        ctx: &Ctx<T>,
        x: Var<T>,
        timesteps: &[f64],
        classes: Option<&[usize]>,
    ) -> Result<Var<T>> {
        let MlpConfig { in_channels, out_channels, .. } = self.config;
        let n = check_picture(NAME, &x, in_channels, 1)?;
        let [height, width] = self.config.sides();
        if x.dims()[2..] != [height, width] {
            let why = format!("the model takes pictures of {height}x{width}");
            return Err(input_error(NAME, format!("pictures {}", x.shape()), why));
        }
        let condition =
            self.condition.forward(ctx, n, &ConditionInputs { timesteps, classes, context: None })?;
        let code = position_code(x.reshape([n, in_channels * height * width])?)?;
        let mut h = self.linear_in.forward(ctx, code)?;
        for block in &self.blocks {
            let block = block.clone();
            h = ctx.checkpoint([h, condition.clone()], move |ctx, [h, condition]| {
                block.forward(ctx, h, condition)
            })?;
        }
        let y = self.linear_out.forward(ctx, h.silu()?)?;
        Ok(y.reshape([n, out_channels, height, width])?)
    }
}

const NAME: &str = "mlp";

#[cfg(test)]
mod tests;
