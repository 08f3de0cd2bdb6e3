//! Steps of training, without files or clocks.

use super::divergence::{Divergence, Quantity, first_gradient, first_not_finite};
use super::exchange::Exchange;
use super::shards::{self, Accumulator, GradientSet};
use super::state::State;
use super::trainable::Trainable;
use crate::cluster::{Collective, Team};
use crate::config::{Config, check_shards};
use crate::data::{self, Batch, Batches, Loader, Source};
use crate::model::Model;
use crate::weights_digest::of_weights;
use crate::{Error, Result, purpose};
use sha2::Digest;
use std::ops::Range;
use std::sync::Arc;
use tweedie_autograd::{Gradients, ParamId, Tape, Var};
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
    /// The ranks that take each step together.
    pub(super) team: Team,
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

/// Some samples of a batch.
struct Samples {
    /// Where they lie in what this rank has of the batch.
    place: Range<usize>,
    /// The first one's number in the whole batch, which its random numbers follow from.
    first: usize,
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
        Ok(Trainer::at(config, network, schedule, state))
    }

    /// A network in whatever state training left it.
    pub(super) fn at(config: Config, network: N, schedule: Schedule, state: State) -> Trainer<N> {
        Trainer { config, network, schedule, state, team: Team::default() }
    }

    /// Takes each step together with the other ranks: a batch is then this rank's share of one.
    pub(super) fn with_team(self, team: Team) -> Trainer<N> {
        Trainer { team, ..self }
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

    /// The gradient of the batch's loss, shard by shard, summed over all ranks in the canonical tree. Of a batch that several
    /// ranks share, `batch` is what this rank has.
    fn gradient(&self, batch: &Batch) -> Result<BatchGradient> {
        let mut team = self.team.clone();
        let Config { train, .. } = &self.config;
        let n = if team.size() == 1 { batch.labels.len() } else { train.batch };
        check_shards(n, train.shards)?;
        let (each, own) = (n / train.shards, team.leaves(train.shards));
        let samples = |shard: usize| {
            let place = (shard - own.start) * each;
            Samples { place: place..place + each, first: shard * each }
        };
        let draws = self.state.times.draw(n, 0..n, train.seed, self.state.step)?;
        let mut measured = Vec::with_capacity(own.len() * each);
        let mut sum = Accumulator::from(own.start, train.gradient_precision);
        let last = own.end.saturating_sub(1).max(own.start);
        for shard in own.start..last {
            let (gradients, leaf) = self.shard_gradient(batch, &draws, &samples(shard), |_, _| {})?;
            measured.extend(leaf);
            sum.add(self.state.params.collect(gradients))?;
        }
        let params = self.state.params.len();
        let mut exchange = Exchange::begin(&mut team, train, sum.into_sums(), last, params);
        let ready = |ParamId(param): ParamId, gradient: &mut Tensor<f32>| {
            exchange.take(param, std::mem::replace(gradient, Tensor::scratch([0])));
        };
        let (_, leaf) = self.shard_gradient(batch, &draws, &samples(last), ready)?;
        measured.extend(leaf);
        let (sum, said) = exchange.finish(bytemuck::cast_slice(&measured).to_vec())?;
        let (losses, squared_errors) = said.iter().flat_map(|said| measured_in(said)).unzip();
        self.batch_gradient(draws, losses, squared_errors, shards::mean(sum, train.shards))
    }

    fn batch_gradient(
        &self,
        draws: Vec<TimestepDraw>,
        losses: Vec<f64>,
        squared_errors: Vec<f64>,
        gradients: GradientSet,
    ) -> Result<BatchGradient> {
        let weighted = losses.iter().zip(&draws).map(|(loss, draw)| loss * draw.importance);
        let loss = weighted.sum::<f64>() / draws.len() as f64;
        let grad_norm = grad_norm(&gradients);
        Ok(BatchGradient { draws, losses, squared_errors, loss, gradients, grad_norm })
    }

    /// The gradient of the mean loss of some samples of a batch, by a pass of their own, and each sample's loss and squared
    /// error. Their noise, times, classes and dropout are those that they have in the whole batch, whose `draws` are given.
    /// `ready` gets each parameter's gradient as soon as it is final, while backward goes on.
    fn shard_gradient(
        &self,
        batch: &Batch,
        draws: &[TimestepDraw],
        samples: &Samples,
        ready: impl FnMut(ParamId, &mut Tensor<f32>),
    ) -> Result<(Gradients<f32>, Vec<[f64; 2]>)> {
        let Config { train, diffusion, .. } = &self.config;
        let Samples { place, first } = samples;
        let (seed, step, first) = (train.seed, self.state.step, *first);
        let draws = &draws[first..first + place.len()];
        let times: Vec<usize> = draws.iter().map(|draw| draw.t).collect();
        let importance: Vec<f64> = draws.iter().map(|draw| draw.importance).collect();
        let x = match place.len() == batch.labels.len() {
            true => batch.x.clone(),
            false => batch.x.narrow(0, place.start, place.len())?,
        };
        let (noise, x_t) = self.noised(&x, &times, first as u64)?;

        let tape = Tape::new();
        let ctx = Ctx::training(&self.state.params, &tape)
            .with_dropout(seed, step, first as u64)
            .with_recompute(train.recompute.blocks())
            .with_precision(train.precision.into());
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
        let gradients = output.vjp_with(gradient, ready)?;
        let measured = losses.into_iter().zip(squared_errors).map(|(loss, error)| [loss, error]);
        Ok((gradients, measured.collect()))
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
                // The rank that has the sample looks for the layer, and tells the others.
                let own = sample.checked_sub(self.first_sample()).filter(|own| *own < batch.labels.len());
                let layer = match own {
                    Some(own) => self.first_layer_not_finite(self.params(), batch, own, draws[sample].t)?,
                    None => None,
                };
                let layers = self.team.clone().gather(layer.unwrap_or_default().into_bytes())?;
                let layer = layers.into_iter().find(|layer| !layer.is_empty());
                (Quantity::Loss, layer.map(|layer| String::from_utf8_lossy(&layer).into_owned()), bad)
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
        let samples = Samples { place: sample..sample + 1, first: self.first_sample() + sample };
        let (_, x_t) = self.noised(&x, &[t], samples.first as u64)?;
        self.predict(ctx, Var::constant(x_t), &[t], &self.conditions(batch, &samples))
    }

    /// Which sample of the whole batch this rank's first one is.
    fn first_sample(&self) -> usize {
        let Config { train, .. } = &self.config;
        self.team.leaves(train.shards).start * (train.batch / train.shards)
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
    fn conditions(&self, batch: &Batch, samples: &Samples) -> Condition {
        let train = &self.config.train;
        let no_class = self.config.data.classes.len();
        let Samples { place, first } = samples;
        let dropped: Vec<bool> = (*first..first + place.len())
            .map(|i| {
                let mut stream = Stream::new(train.seed, purpose::GUIDANCE, self.state.step, i as u64);
                stream.uniform() < train.label_dropout
            })
            .collect();
        let classes = train.class_conditional.then(|| {
            let labels = batch.labels[place.clone()].iter().zip(&dropped);
            labels.map(|(&label, &dropped)| if dropped { no_class } else { label }).collect()
        });
        let captions = self.config.model.caption.as_ref().map(|_| {
            let captions = batch.captions[place.clone()].iter().zip(&dropped);
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
        let batches = Batches { seed: train.seed, size: train.batch, first_step, flips };
        if self.team.size() == 1 {
            return Ok(Loader::new(source, batches)?);
        }
        let (leaves, each) = (self.team.leaves(train.shards), train.batch / train.shards);
        Ok(Loader::of_share(source, batches, leaves.start * each..leaves.end * each)?)
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
        data::hex(&of_weights(self.params()).finalize())
    }
}

/// The losses and squared errors of a rank's samples, as it has sent them.
fn measured_in(said: &[u8]) -> impl Iterator<Item = (f64, f64)> + '_ {
    let number = |bytes: &[u8]| bytes.try_into().map_or(f64::NAN, f64::from_ne_bytes);
    said.chunks_exact(16).map(move |pair| (number(&pair[..8]), number(&pair[8..])))
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
