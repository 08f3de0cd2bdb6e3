use super::config::{Backbone, NetworkConfig};
use super::inputs::Inputs;
use crate::caption::CaptionEncoder;
use crate::condition::input_error;
use crate::{Builder, Ctx, ResidualMlp, Result, Transformer, UNet};
use tweedie_autograd::Var;
use tweedie_tensor::Element;

/// A network that maps a noisy picture, its time, and what it is to show, to a picture: the noise in it, its origin,
/// or its velocity.
#[derive(Debug, Clone)]
pub struct Network {
    body: Body,
    caption: Option<CaptionEncoder>,
}

#[derive(Debug, Clone)]
enum Body {
    UNet(Box<UNet>),
    Transformer(Box<Transformer>),
    Mlp(Box<ResidualMlp>),
}

impl Network {
    /// Builds the network, and registers its parameters: those of the architecture under their own names, then those
    /// of `caption`.
    ///
    /// # Errors
    /// As [`NetworkConfig::validate`].
    pub fn new(config: &NetworkConfig, b: &Builder) -> Result<Network> {
        config.validate()?;
        let body = match &config.backbone {
            Backbone::UNet(config) => Body::UNet(Box::new(UNet::new(config, b)?)),
            Backbone::Transformer(config) => Body::Transformer(Box::new(Transformer::new(config, b)?)),
            Backbone::Mlp(config) => Body::Mlp(Box::new(ResidualMlp::new(config, b)?)),
        };
        let caption = config
            .caption
            .as_ref()
            .map(|config| CaptionEncoder::new(config, &b.pp("caption")))
            .transpose()?;
        Ok(Network { body, caption })
    }

    /// Maps x \[n, `in_channels`, h, w\] to \[n, `out_channels`, h, w\]. Classes are given exactly if the network has
    /// classes, captions exactly if it reads captions.
    ///
    /// # Errors
    /// [`Error::Input`](crate::Error::Input) when x does not fit the network; when there are not as many times,
    /// classes or captions as samples; when classes or captions are missing, uncalled for, or out of range.
    pub fn forward<T: Element>(&self, ctx: &Ctx<T>, x: Var<T>, inputs: Inputs<'_>) -> Result<Var<T>> {
        let Inputs { timesteps, classes, captions } = inputs;
        let n = x.dims().first().copied().unwrap_or_default();
        let context = match (&self.caption, captions) {
            (None, None) => None,
            (Some(encoder), Some(captions)) if captions.len() == n => Some(encoder.forward(ctx, captions)?),
            (Some(_), Some(captions)) => {
                let why = format!("one for each of {n} samples is needed");
                return Err(input_error("network", format!("{} captions", captions.len()), why));
            }
            (Some(_), None) => {
                return Err(input_error(
                    "network",
                    "no captions",
                    "the network reads one per sample, be it empty",
                ));
            }
            (None, Some(_)) => return Err(input_error("network", "captions", "the network reads none")),
        };
        match &self.body {
            Body::UNet(unet) => unet.forward_in_context(ctx, x, timesteps, classes, context),
            Body::Transformer(transformer) => transformer.forward(ctx, x, timesteps, classes),
            Body::Mlp(mlp) => mlp.forward(ctx, x, timesteps, classes),
        }
    }
}
