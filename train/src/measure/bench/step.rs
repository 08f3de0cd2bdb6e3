use crate::config::Recompute;
use crate::{Model, Result};
use std::time::Instant;
use tweedie_autograd::{Tape, Var, ops::mse};
use tweedie_diffusion::purpose;
use tweedie_nn::optim::{OptimConfig, Optimizer, StepOptions};
use tweedie_nn::{Builder, Ctx, Inputs, Network, NetworkConfig, Params};
use tweedie_tensor::random;
use tweedie_tensor::{Precision, Tensor};

/// A network, its optimizer and a batch: forward, mean squared error, backward, AdamW.
pub struct Step {
    network: Network,
    params: Params<f32>,
    optimizer: Optimizer,
    recompute: Recompute,
    precision: Precision,
    x: Tensor,
    noise: Tensor,
    clocks: Vec<f64>,
    labels: Option<Vec<usize>>,
    captions: Option<Vec<Vec<usize>>>,
}

/// The least time of several runs, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StepTimes {
    /// Of a whole training step.
    pub train_ms: f64,
    /// Of a forward pass that keeps nothing.
    pub forward_ms: f64,
}

impl Step {
    /// The network of `config` with random weights, and a batch of `batch` pictures of `side` × `side`.
    ///
    /// # Errors
    /// A configuration that makes no network.
    pub fn new(config: &NetworkConfig, side: usize, batch: usize) -> Result<Step> {
        let builder = Builder::new();
        let network = Network::new(config, &builder)?;
        Step::of(network, config, builder.draw(0), [batch, config.backbone.in_channels(), side, side])
    }

    /// The same with a batch of pictures of `shape`: channels, height, width.
    ///
    /// # Errors
    /// As [`Step::new`].
    pub fn on_pictures(config: &NetworkConfig, [c, h, w]: [usize; 3], batch: usize) -> Result<Step> {
        let builder = Builder::new();
        let network = Network::new(config, &builder)?;
        Step::of(network, config, builder.draw(0), [batch, c, h, w])
    }

    /// The same with another optimizer than AdamW.
    ///
    /// # Errors
    /// Constants that are out of range.
    pub fn with_rule(self, rule: OptimConfig) -> Result<Step> {
        Ok(Step { optimizer: Optimizer::new(rule, &self.params)?, ..self })
    }

    /// The same with what is computed again in the backward pass.
    #[must_use]
    pub fn with_recompute(self, recompute: Recompute) -> Step {
        Step { recompute, ..self }
    }

    /// The same with linear layers whose products take their operands as `precision` has it, in both passes.
    #[must_use]
    pub fn with_precision(self, precision: Precision) -> Step {
        Step { precision, ..self }
    }

    /// A trained network, and a batch of `batch` of its pictures.
    ///
    /// # Errors
    /// None for a model that could be opened.
    pub fn of_model(model: Model, batch: usize) -> Result<Step> {
        let [c, h, w] = model.shape();
        Step::of(model.network, &model.config, model.params, [batch, c, h, w])
    }

    fn of(network: Network, config: &NetworkConfig, params: Params<f32>, shape: [usize; 4]) -> Result<Step> {
        let rule = OptimConfig::AdamW { beta1: 0.9, beta2: 0.999, eps: 1e-8, weight_decay: 0.01 };
        let optimizer = Optimizer::new(rule, &params)?;
        let x = random::normal(shape, 0, purpose::START, 0, 0);
        let outputs = [shape[0], config.backbone.out_channels(), shape[2], shape[3]];
        let noise = random::normal(outputs, 0, purpose::NOISE, 0, 0);
        let clocks = (0..shape[0]).map(|i| (i * 997 % 1000) as f64).collect();
        let classes = config.backbone.num_class_embeds();
        let labels = classes.map(|classes| (0..shape[0]).map(|i| i % classes).collect());
        let captions = config.caption.as_ref().map(|_| vec![Vec::new(); shape[0]]);
        Ok(Step {
            network,
            params,
            optimizer,
            recompute: Recompute::None,
            precision: Precision::F32,
            x,
            noise,
            clocks,
            labels,
            captions,
        })
    }

    /// How many numbers the network has learnt.
    pub fn num_parameters(&self) -> usize {
        self.params.numel()
    }

    /// One step of training; the loss.
    ///
    /// # Errors
    /// None that the constructor did not exclude.
    pub fn train(&mut self) -> Result<f32> {
        let (loss, gradients) = self.gradients()?;
        self.update(&gradients)?;
        Ok(loss)
    }

    /// The loss, and the gradient of each parameter.
    pub(super) fn gradients(&self) -> Result<(f32, Vec<Option<Tensor>>)> {
        let tape = Tape::new();
        let ctx = Ctx::training(&self.params, &tape)
            .with_recompute(self.recompute.blocks())
            .with_precision(self.precision);
        let output = self.output(&ctx)?;
        drop(ctx);
        let loss = mse(output, self.noise.clone())?;
        let value = loss.value().item()?;
        Ok((value, self.params.collect(loss.backward()?)))
    }

    pub(super) fn update(&mut self, gradients: &[Option<Tensor>]) -> Result<()> {
        self.optimizer.step(&mut self.params, gradients, StepOptions::at(1e-4))?;
        Ok(())
    }

    /// One forward pass.
    ///
    /// # Errors
    /// As [`Step::train`].
    pub fn forward(&self) -> Result<Tensor> {
        let ctx = Ctx::inference(&self.params).with_precision(self.precision);
        Ok(self.output(&ctx)?.into_value())
    }

    fn output(&self, ctx: &Ctx) -> Result<Var> {
        let (classes, captions) = (self.labels.as_deref(), self.captions.as_deref());
        let inputs = Inputs { timesteps: &self.clocks, classes, captions };
        Ok(self.network.forward(ctx, Var::constant(self.x.clone()), inputs)?)
    }

    /// Measures `runs` training steps and `runs` forward passes, after one of each that does not count.
    pub fn measure(&mut self, runs: usize) -> StepMeasurement<'_> {
        let times = StepTimes { train_ms: f64::INFINITY, forward_ms: f64::INFINITY };
        StepMeasurement { step: self, runs, done: 0, times }
    }
}

/// A measurement of a step: an iterator over the runs, which yields the share of them that is done.
pub struct StepMeasurement<'a> {
    step: &'a mut Step,
    runs: usize,
    done: usize,
    times: StepTimes,
}

impl StepMeasurement<'_> {
    /// The least times so far; infinite before the first run.
    pub fn times(&self) -> StepTimes {
        self.times
    }

    fn run(&mut self) -> Result<f64> {
        let trains = self.done < self.runs;
        if self.done.is_multiple_of(self.runs) {
            self.once(trains)?;
        }
        let start = Instant::now();
        self.once(trains)?;
        let ms = 1e3 * start.elapsed().as_secs_f64();
        let least = if trains { &mut self.times.train_ms } else { &mut self.times.forward_ms };
        *least = least.min(ms);
        self.done += 1;
        Ok(self.done as f64 / (2 * self.runs) as f64)
    }

    fn once(&mut self, trains: bool) -> Result<()> {
        if trains { self.step.train().map(drop) } else { self.step.forward().map(drop) }
    }
}

impl Iterator for StepMeasurement<'_> {
    type Item = Result<f64>;

    fn next(&mut self) -> Option<Result<f64>> {
        if self.done >= 2 * self.runs {
            return None;
        }
        let share = self.run();
        if share.is_err() {
            self.done = 2 * self.runs;
        }
        Some(share)
    }
}
