use super::config::NetworkConfig;
use super::inputs::Inputs;
use super::model::Network;
use crate::trace::{Trace, trace};
use crate::{Builder, Result};
use tweedie_autograd::Var;
use tweedie_tensor::Tensor;

impl NetworkConfig {
    /// The layers of its network, traced with one picture of `shape`: channels, height, width.
    ///
    /// ```
    /// use tweedie_nn::{NetworkConfig, UNetConfig};
    /// let found = NetworkConfig::from(UNetConfig::cifar()).trace([3, 32, 32])?;
    /// assert_eq!(found.parameters, 35_746_307);
    /// assert_eq!(found.layers.iter().map(|layer| layer.parameters).sum::<usize>(), found.parameters);
    /// # Ok::<(), tweedie_nn::Error>(())
    /// ```
    ///
    /// # Errors
    /// A configuration that makes no network, or one that does not take such pictures.
    pub fn trace(&self, [c, h, w]: [usize; 3]) -> Result<Trace> {
        let builder = Builder::new();
        let network = Network::new(self, &builder)?;
        let classes = self.backbone.num_class_embeds().map(|_| [0]);
        let captions = self.caption.as_ref().map(|_| [Vec::new()]);
        trace(&builder, |ctx| {
            let inputs = Inputs {
                timesteps: &[0.0],
                classes: classes.as_ref().map(|classes| &classes[..]),
                captions: captions.as_ref().map(|captions| &captions[..]),
            };
            network.forward(ctx, Var::constant(Tensor::scratch([1, c, h, w])), inputs)
        })
    }
}
