//! Steps of training, without files or clocks.

use super::divergence::{Divergence, Quantity, first_gradient, first_not_finite};
use super::shards::{self, Accumulator, GradientSet};
use super::state::State;
use super::trainable::Trainable;
use crate::config::Config;
use crate::data::{self, Batch, Batches, Loader, Source};
use crate::model::Model;
use crate::{Error, Result, purpose};
use sha2::{Digest, Sha256};
use std::ops::Range;
use std::sync::Arc;
use tweedie_autograd::{Tape, Var};
use tweedie_diffusion::{Condition, LossValue, Schedule, TimestepDraw};
use tweedie_nn::lr::{Decay, LearningRate};
use tweedie_nn::optim::{StepOptions, grad_norm};
use tweedie_nn::{Builder, Ctx, Inputs, Network, Params};
use tweedie_tensor::Tensor;
use tweedie_tensor::random::{self, Stream};

/// A network and all that trains it: schedule, weights, their average, optimizer, times and configuration.
///
/// It knows no files and no clocks: what a step does follows from the configuration, the batch and the steps
/// before. [`Training`](super::Training) puts a run directory and a time budget around it.
///
/// ```
/// use std::sync::Arc;
/// use tweedie_train::data::{Memory, Source};
/// use tweedie_train::{Config, Trainer};
/// use tweedie_nn::UNetConfig;
/// // Eight pictures of 8 x 8, bright or dark.
/// let bytes = (0..8).flat_map(|i| [if i % 2 == 0 { 20 } else { 230 }; 64]).collect();
/// let labels = (0..8).map(|i| i % 2).collect();
/// let classes = vec!["dark".to_string(), "bright".to_string()];
/// let source: Arc<dyn Source> = Arc::new(Memory::new([1, 8, 8], bytes, labels, classes));
///
/// let mut config = Config::default();
/// config.train.batch = 4;
/// config.model = UNetConfig::plain(&[16, 32]).into();
/// let mut trainer = Trainer::new(config.resolved(&*source))?;
/// let mut loader = trainer.loader(source)?;
/// for _ in 0..3 {
///     let report = trainer.step(&loader.next()?)?;
///     assert!(report.loss.is_finite());
/// }
/// assert_eq!(trainer.steps(), 3);
/// let model = trainer.model()?;
/// assert_eq!(model.shape(), [1, 8, 8]);
/// # Ok::<(), tweedie_train::Error>(())
/// ```
pub struct Trainer<N = Network> {
    pub(super) config: Config,
    network: N,
    schedule: Schedule,
    pub(super) state: State,
}

/// What one step measured.
#[derive(Debug, Clone, PartialEq)]
pub struct StepReport {
    /// The weighted loss, the mean over the batch.
    pub loss: f64,
    /// The global norm of the gradient, before clipping.
    pub grad_norm: f64,
    /// The learning rate of the step.
    pub learning_rate: f64,
    /// The unweighted squared error of each sample.
    pub squared_errors: Vec<f64>,
    /// The time of each sample, from 0 to T − 1.
    pub times: Vec<usize>,
}

/// The gradient of a batch and what was measured on the way, before anything of the run has changed.
struct BatchGradient {
    draws: Vec<TimestepDraw>,
    /// Of each sample, in the order of the batch, as [`StepReport::squared_errors`].
    losses: Vec<f64>,
    squared_errors: Vec<f64>,
    /// As [`StepReport::loss`].
    loss: f64,
    gradients: GradientSet,
    /// As [`StepReport::grad_norm`].
    grad_norm: f64,
}

/// A leaf of the canonical tree.
struct Shard {
    losses: Vec<f64>,
    squared_errors: Vec<f64>,
    gradients: GradientSet,
}

impl Trainer {
    /// The network of `config`, which is [resolved](Config::resolved), with the weights that its seed draws.
    ///
    /// # Errors
    /// A configuration that no step can be taken with.
    pub fn new(config: Config) -> Result<Trainer> {
        let builder = Builder::new();
        let network = Network::new(&config.model, &builder)?;
        let params = builder.draw(config.train.seed);
        Trainer::with_network(config, network, params)
    }

    /// A model with a copy of the averaged weights.
    ///
    /// # Errors
    /// None for a configuration that trained.
    pub fn model(&self) -> Result<Model> {
        Model::of_run(&self.config, self.network.clone(), self.average().clone())
    }
}

impl<N: Trainable> Trainer<N> {
    /// Any network, with its weights before the first step; the section `model` of the configuration is not read.
    ///
    /// Without classes to be conditioned on, set `train.class_conditional` to false.
    ///
    /// ```
    /// use tweedie_nn::layers::Linear;
    /// use tweedie_nn::{Builder, Ctx, Inputs, Layer};
    /// use tweedie_autograd::Var;
    /// use tweedie_train::{Config, Trainer, data::Batch};
    /// use tweedie_tensor::Tensor;
    ///
    /// let builder = Builder::new();
    /// let layer = Linear::new(&builder, 2, 2);
    /// let network = move |ctx: &Ctx, x: Var, _: Inputs<'_>| layer.forward(ctx, x);
    /// let mut config = Config::default();
    /// config.train.class_conditional = false;
    /// let mut trainer = Trainer::with_network(config, network, builder.draw(0))?;
    /// let points = Tensor::from_fn([16, 2], |i| (i as f32).sin());
    /// assert!(trainer.step(&Batch::of(points))?.loss > 0.0);
    /// # Ok::<(), tweedie_train::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Trainer::new`].
    pub fn with_network(config: Config, network: N, params: Params<f32>) -> Result<Trainer<N>> {
        config.check_values()?;
        let schedule = config.diffusion.schedule()?;
        let state = State::fresh(&config, &schedule, params)?;
        Ok(Trainer { config, network, schedule, state })
    }

    /// A network in whatever state training left it.
    pub(super) fn at(config: Config, network: N, schedule: Schedule, state: State) -> Trainer<N> {
        Trainer { config, network, schedule, state }
    }

    /// One step: the batch becomes x_t, goes through the network, comes back as gradients, moves the weights.
    ///
    /// # Errors
    /// A batch that the network does not take; [`Error::Diverged`].
    pub fn step(&mut self, batch: &Batch) -> Result<StepReport> {
        let found = self.gradient(batch)?;
        // Nothing has changed yet.
        if !found.loss.is_finite() || !found.grad_norm.is_finite() {
            return Err(self.divergence(batch, &found)?);
        }
        self.update(found)
    }

    /// The gradient of the batch's loss, shard by shard, summed in the canonical tree.
    fn gradient(&self, batch: &Batch) -> Result<BatchGradient> {
        let Config { train, .. } = &self.config;
        let n = batch.labels.len();
        let draws = self.state.times.draw(n, 0..n, train.seed, self.state.step)?;
        let (mut losses, mut squared_errors) = (Vec::with_capacity(n), Vec::with_capacity(n));
        let mut sum = Accumulator::default();
        for samples in shards::ranges(n, train.shards)? {
            let leaf = self.shard_gradient(batch, &draws, samples)?;
            losses.extend(leaf.losses);
            squared_errors.extend(leaf.squared_errors);
            sum.add(leaf.gradients)?;
        }
        let gradients = shards::mean(sum.total().unwrap_or_default(), train.shards);
        let weighted = losses.iter().zip(&draws).map(|(loss, draw)| loss * draw.importance);
        let loss = weighted.sum::<f64>() / n as f64;
        let grad_norm = grad_norm(&gradients);
        Ok(BatchGradient { draws, losses, squared_errors, loss, gradients, grad_norm })
    }

    /// The gradient of the mean loss of some samples of a batch, by a pass of their own. Their noise, times, classes and
    /// dropout are those that they have in the whole batch, whose `draws` are given.
    fn shard_gradient(&self, batch: &Batch, draws: &[TimestepDraw], samples: Range<usize>) -> Result<Shard> {
        let Config { train, diffusion, .. } = &self.config;
        let (seed, step, first) = (train.seed, self.state.step, samples.start as u64);
        let draws = &draws[samples.clone()];
        let times: Vec<usize> = draws.iter().map(|draw| draw.t).collect();
        let importance: Vec<f64> = draws.iter().map(|draw| draw.importance).collect();
        let x = match samples.len() == batch.labels.len() {
            true => batch.x.clone(),
            false => batch.x.narrow(0, samples.start, samples.len())?,
        };
        let (noise, x_t) = self.noised(&x, &times, first)?;

        let tape = Tape::new();
        let ctx = Ctx::training(&self.state.params, &tape)
            .with_dropout(seed, step, first)
            .with_recompute(train.recompute.blocks());
        let output = self.predict(&ctx, Var::constant(x_t), &times, &self.conditions(batch, samples))?;
        drop(ctx);
        let LossValue { losses, squared_errors, gradient } = diffusion.loss().evaluate(
            &self.schedule,
            &x,
            &noise,
            &times,
            output.value().clone(),
            &importance,
        )?;
        let gradients = self.state.params.collect(output.vjp(gradient)?);
        Ok(Shard { losses, squared_errors, gradients })
    }

    /// The noise of the next step's samples from `first` on, and x_t: their pictures `x` under it.
    fn noised(&self, x: &Tensor<f32>, times: &[usize], first: u64) -> Result<(Tensor<f32>, Tensor<f32>)> {
        let (seed, step) = (self.config.train.seed, self.state.step);
        let noise = random::normal(*x.shape(), seed, tweedie_diffusion::purpose::NOISE, step, first);
        let x_t = self.schedule.q_sample(x, times, &noise)?;
        Ok((noise, x_t))
    }

    /// Moves weights, moments and average by the gradient of a batch.
    fn update(&mut self, found: BatchGradient) -> Result<StepReport> {
        let BatchGradient { draws, losses, squared_errors, loss, gradients, grad_norm } = found;
        let learning_rate = learning_rate(&self.config).at(self.state.step);
        let State { params, ema, optimizer, times, .. } = &mut self.state;
        let clip = Some(self.config.optimizer.clip);
        let options = StepOptions { lr: learning_rate, clip, average: Some(ema) };
        optimizer.step_with_norm(params, &gradients, grad_norm, options)?;
        times.record(&draws, &losses);
        self.state.step += 1;
        let times = draws.iter().map(|draw| draw.t).collect();
        Ok(StepReport { loss, grad_norm, learning_rate, squared_errors, times })
    }

    /// What of a batch's step is not finite.
    fn divergence(&self, batch: &Batch, found: &BatchGradient) -> Result<Error> {
        let BatchGradient { draws, losses, gradients, .. } = found;
        let is_bad = |&i: &usize| !(losses[i] * draws[i].importance).is_finite();
        let bad: Vec<usize> = (0..draws.len()).filter(is_bad).collect();
        let (quantity, first, samples) = match bad.first() {
            Some(&sample) => {
                let first = self.first_layer_not_finite(self.params(), batch, sample, draws[sample].t)?;
                (Quantity::Loss, first, bad)
            }
            None => {
                (Quantity::Gradient, first_gradient(self.params(), gradients), (0..draws.len()).collect())
            }
        };
        let times = samples.into_iter().map(|i| draws[i].t).collect();
        Ok(self.diverged(quantity, first, times))
    }

    /// The first layer whose output for a sample of a batch at the time `t` is not finite: once more, as watching every layer
    /// costs too much to be done each time.
    fn first_layer_not_finite(
        &self,
        weights: &Params<f32>,
        batch: &Batch,
        sample: usize,
        t: usize,
    ) -> Result<Option<String>> {
        let ctx = Ctx::inference(weights).watching();
        self.output(&ctx, batch, sample, t)?;
        Ok(ctx.first_not_finite().map(String::from))
    }

    /// The network's output for a sample of a batch at the time `t`, from 0 to T − 1.
    fn output(&self, ctx: &Ctx, batch: &Batch, sample: usize, t: usize) -> Result<Var> {
        let x = batch.x.narrow(0, sample, 1)?;
        let (_, x_t) = self.noised(&x, &[t], sample as u64)?;
        self.predict(ctx, Var::constant(x_t), &[t], &self.conditions(batch, sample..sample + 1))
    }

    /// Refuses weights, averages and moments that are not finite, or so large that the output for the first sample of `batch`
    /// at the time `t` is not: a finite gradient makes them so at a high rate.
    ///
    /// # Errors
    /// [`Error::Diverged`].
    pub(super) fn check_finite(&self, batch: &Batch, t: usize) -> Result<()> {
        self.check_state()?;
        for weights in [self.params(), self.average()] {
            let is_bad = |output: Var| !output.value().all_finite();
            // A network that takes batches of one size only says nothing of a single sample.
            if self.output(&Ctx::inference(weights), batch, 0, t).is_ok_and(is_bad) {
                let first = self.first_layer_not_finite(weights, batch, 0, t)?;
                return Err(self.diverged(Quantity::Output, first, vec![t]));
            }
        }
        Ok(())
    }

    /// The network's output for x_t at these times, from 0 to T − 1.
    pub(super) fn predict(&self, ctx: &Ctx, x_t: Var, times: &[usize], condition: &Condition) -> Result<Var> {
        let clocks: Vec<f64> = self.schedule.timesteps_at(times)?.iter().map(|time| time.clock()).collect();
        let (classes, captions) = (condition.classes.as_deref(), condition.captions.as_deref());
        self.network.forward(ctx, x_t, Inputs { timesteps: &clocks, classes, captions })
    }

    /// The conditions that the network is given for some samples of a batch: classes and captions, in a share of the
    /// samples replaced by the class that means "no class" and by the empty caption.
    fn conditions(&self, batch: &Batch, samples: Range<usize>) -> Condition {
        let train = &self.config.train;
        let no_class = self.config.data.classes.len();
        let dropped: Vec<bool> = samples
            .clone()
            .map(|i| {
                let mut stream = Stream::new(train.seed, purpose::GUIDANCE, self.state.step, i as u64);
                stream.uniform() < train.label_dropout
            })
            .collect();
        let classes = train.class_conditional.then(|| {
            let labels = batch.labels[samples.clone()].iter().zip(&dropped);
            labels.map(|(&label, &dropped)| if dropped { no_class } else { label }).collect()
        });
        let captions = self.config.model.caption.as_ref().map(|_| {
            let captions = batch.captions[samples.clone()].iter().zip(&dropped);
            captions.map(|(caption, &dropped)| if dropped { Vec::new() } else { caption.clone() }).collect()
        });
        Condition { classes, captions }
    }
}

impl<N> Trainer<N> {
    /// The next step's divergence.
    fn diverged(&self, quantity: Quantity, first: Option<String>, times: Vec<usize>) -> Error {
        let (step, learning_rate) = (self.state.step, self.config.optimizer.learning_rate);
        Error::Diverged(Box::new(Divergence { step, quantity, first, times, learning_rate }))
    }

    /// Leaves the next step out.
    pub(super) fn skip_step(&mut self) {
        self.state.step += 1;
    }

    /// Refuses weights, averages and moments that are not finite.
    fn check_state(&self) -> Result<()> {
        let State { params, ema, optimizer, .. } = &self.state;
        let moments: Vec<(String, &Tensor<f32>)> = optimizer.state(params).collect();
        let moments = || moments.iter().map(|(name, value)| (name.as_str(), *value));
        let found = first_not_finite(params.iter())
            .map(|first| (Quantity::Weights, first))
            .or_else(|| first_not_finite(ema.params().iter()).map(|first| (Quantity::Average, first)))
            .or_else(|| first_not_finite(moments()).map(|first| (Quantity::Moments, first)));
        let Some((quantity, first)) = found else { return Ok(()) };
        Err(self.diverged(quantity, Some(first), Vec::new()))
    }

    /// Steps taken.
    pub fn steps(&self) -> u64 {
        self.state.step
    }

    /// The batches of `source` from the next step on, as the configuration's seed, batch and flips say.
    ///
    /// # Errors
    /// As [`Loader::new`].
    pub fn loader(&self, source: Arc<dyn Source>) -> Result<Loader> {
        let Config { train, data, .. } = &self.config;
        let (first_step, flips) = (self.state.step, data.flips);
        Ok(Loader::new(source, Batches { seed: train.seed, size: train.batch, first_step, flips })?)
    }

    /// The configuration.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// The network.
    pub fn network(&self) -> &N {
        &self.network
    }

    /// The noise schedule.
    pub fn schedule(&self) -> &Schedule {
        &self.schedule
    }

    /// The weights after the last step.
    pub fn params(&self) -> &Params<f32> {
        &self.state.params
    }

    /// The moving average of the weights.
    pub fn average(&self) -> &Params<f32> {
        self.state.ema.params()
    }

    /// SHA-256 over every weight's name, shape and little-endian bits, in order.
    pub fn digest(&self) -> String {
        let mut hash = Sha256::new();
        for (name, value) in self.params().iter() {
            hash.update(format!("{name}{}", value.shape()));
            for number in value.as_slice() {
                hash.update(number.to_le_bytes());
            }
        }
        data::hex(&hash.finalize())
    }
}

fn learning_rate(config: &Config) -> LearningRate {
    let (peak, warmup) = (config.optimizer.learning_rate, config.optimizer.warmup);
    match (config.optimizer.decay_start, config.train.steps) {
        (Some(decay_start), Some(total)) => {
            LearningRate::Trapezoidal { peak, warmup, decay_start, total, floor: 0.0, decay: Decay::Linear }
        }
        _ => LearningRate::Constant { peak, warmup },
    }
}

#[cfg(test)]
mod tests;
