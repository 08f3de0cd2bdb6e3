use tweedie_autograd::{Tape, Var, ops::mse};
use tweedie_nn::optim::{OptimConfig, Optimizer};
use tweedie_nn::{Builder, Ctx, Params, UNet, UNetConfig};
use tweedie_tensor::Tensor;
use tweedie_tensor::random::{self, Purpose};

/// A network, its optimizer and a batch: forward, mean squared error, backward, AdamW.
pub struct Step {
    network: UNet,
    params: Params<f32>,
    optimizer: Optimizer,
    x: Tensor,
    noise: Tensor,
    clocks: Vec<f64>,
}

impl Step {
    /// The network of `config` and a batch of `batch` square pictures of `side` pixels.
    ///
    /// # Errors
    /// A configuration that makes no network.
    pub fn new(config: &UNetConfig, side: usize, batch: usize) -> tweedie_nn::Result<Step> {
        let builder = Builder::new();
        let network = UNet::new(config, &builder)?;
        let params = builder.draw(0);
        let rule = OptimConfig::AdamW { beta1: 0.9, beta2: 0.999, eps: 1e-8, weight_decay: 0.01 };
        let optimizer = Optimizer::new(rule, &params)?;
        let shape = [batch, config.in_channels, side, side];
        let x = random::normal(shape, 0, Purpose::Start, 0, 0);
        let noise = random::normal(shape, 0, Purpose::Noise, 0, 0);
        let clocks = (0..batch).map(|i| (i * 997 % 1000) as f64).collect();
        Ok(Step { network, params, optimizer, x, noise, clocks })
    }

    /// One step of training; the loss.
    ///
    /// # Errors
    /// None that the constructor did not exclude.
    pub fn train(&mut self) -> tweedie_nn::Result<f32> {
        let tape = Tape::new();
        let ctx = Ctx::training(&self.params, &tape);
        let output = self.network.forward(&ctx, Var::constant(self.x.clone()), &self.clocks, None)?;
        drop(ctx);
        let loss = mse(output, self.noise.clone())?;
        let value = loss.value().item()?;
        let gradients = self.params.collect(loss.backward()?);
        self.optimizer.step(&mut self.params, &gradients, 1e-4, None, None)?;
        Ok(value)
    }

    /// One forward pass.
    ///
    /// # Errors
    /// As [`Step::train`].
    pub fn forward(&self) -> tweedie_nn::Result<Tensor> {
        let ctx = Ctx::inference(&self.params);
        Ok(self.network.forward(&ctx, Var::constant(self.x.clone()), &self.clocks, None)?.into_value())
    }
}
