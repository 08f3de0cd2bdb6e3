//! A step of training on tensors without numbers: the memory and the work that it takes.

use crate::config::check_shards;
use crate::run::shards::{self, Accumulator};
use crate::{Config, Result};
use tweedie_autograd::{Tape, Var};
use tweedie_diffusion::purpose;
use tweedie_nn::optim::{Optimizer, StepOptions};
use tweedie_nn::{Builder, Ctx, Ema, Inputs, Network, NetworkConfig, Params};
use tweedie_tensor::random;
use tweedie_tensor::{Tensor, rehearse, rehearsed};

/// Batches that the loader holds beside the one that is trained on: three that wait, one in the making.
const BATCHES_AHEAD: usize = 4;

/// Pictures that a sampler holds beside the network's pass: x_t, the prediction, x̂_0, noise, and what it remembers.
const SAMPLER_STATE: usize = 8;

/// The largest batch that is rehearsed as it is; the cost of larger ones is taken in proportion.
const LARGEST_BATCH: usize = 1 << 14;

/// The most pixels of a picture that is rehearsed as it is: positions are computed for each.
const LARGEST_PICTURE: usize = 1 << 24;

/// What a training step takes, in bytes and in operations.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct StepCost {
    /// How many numbers the network learns.
    pub parameters: usize,
    /// Multiplications and additions of a step, as the definitions have them.
    pub flops: f64,
    /// The parameters themselves.
    pub weights: u64,
    /// Their gradients.
    pub gradients: u64,
    /// What the optimizer remembers of them.
    pub moments: u64,
    /// Their moving average.
    pub average: u64,
    /// What the forward pass keeps for the backward pass.
    pub activations: u64,
    /// Batches that were read ahead.
    pub batches: u64,
    /// All tensors: those above, and those of the kernels, the backward pass, the loss and the sample grids.
    pub tensors: u64,
}

/// Rehearses two steps of training on pictures of `shape` (channels, height, width), and the sampling of a grid of `grid`
/// pictures.
///
/// # Errors
/// A configuration that makes no network, or one that does not take such pictures.
pub fn training(config: &Config, [c, h, w]: [usize; 3], batch: usize, grid: usize) -> Result<StepCost> {
    check_shards(batch, config.train.shards)?;
    if batch > LARGEST_BATCH {
        // The cost of one shard's pass is in proportion to its pictures; the batch counts too little to be told apart.
        let rehearsed = LARGEST_BATCH.next_multiple_of(config.train.shards);
        if rehearsed < batch {
            let cost = training(config, [c, h, w], rehearsed, grid)?;
            return Ok(cost.times(batch as f64 / rehearsed as f64));
        }
    }
    if let Some((smaller, times)) = smaller(&config.model, [h, w]) {
        return Ok(training(config, [c, smaller[0], smaller[1]], batch, grid)?.times(times));
    }
    let (cost, found) = rehearse(|| -> Result<StepCost> {
        let builder = Builder::new();
        let network = Network::new(&config.model, &builder)?;
        let mut params = builder.draw(0);
        let weights = in_use();
        let mut optimizer = Optimizer::new(config.optimizer.rule, &params)?;
        let moments = in_use() - weights;
        let mut ema = Ema::new(&params, config.train.ema_decay)?;
        let before = in_use();
        let shape = [batch, c, h, w];
        let _ahead: Vec<Tensor> = (0..BATCHES_AHEAD).map(|_| Tensor::scratch(shape)).collect();
        let mut cost = StepCost {
            parameters: params.numel(),
            weights,
            moments,
            // Each set is as large as the weights: one for each level of the tree of shards, and the newest leaf.
            gradients: weights * u64::from(config.train.shards.max(1).ilog2() + 1),
            ..StepCost::default()
        };
        for _ in 0..2 {
            let flops = rehearsed().map_or(0.0, |so_far| so_far.flops);
            let pictures: Tensor = Tensor::scratch(shape);
            cost.batches = in_use() - before;
            let mut sum = Accumulator::default();
            let shards = config.train.shards;
            for samples in shards::ranges(batch, shards)? {
                // The most is held in the last pass: all passes take the same, and the sums of those before grow in number.
                if samples.start != 0 && samples.end != batch {
                    sum.add(
                        params.values().iter().map(|value| Some(Tensor::scratch(*value.shape()))).collect(),
                    )?;
                    continue;
                }
                let held = in_use();
                let x = match shards {
                    1 => pictures.clone(),
                    _ => pictures.narrow(0, samples.start, samples.len())?,
                };
                let noise = random::normal(*x.shape(), 0, purpose::NOISE, 0, 0);
                let x_t = Tensor::scratch(*x.shape());
                let tape = Tape::new();
                let ctx = Ctx::training(&params, &tape).with_recompute(config.train.recompute.blocks());
                let output = pass(&network, &config.model, &ctx, x_t)?;
                drop(ctx);
                cost.activations = (in_use() - held).saturating_sub(2 * bytes(&x));
                let gradient = loss(output.value().clone(), &noise);
                sum.add(params.collect(output.vjp(gradient)?))?;
            }
            let gradients = shards::mean(sum.total().unwrap_or_default(), shards);
            let passes = rehearsed().map_or(0.0, |so_far| so_far.flops) - flops;
            let (clip, average) = (Some(config.optimizer.clip), Some(&mut ema));
            optimizer.step(&mut params, &gradients, StepOptions { lr: 1e-4, clip, average })?;
            let update = rehearsed().map_or(0.0, |so_far| so_far.flops) - flops - passes;
            cost.flops = passes * (shards as f64 / shards.min(2) as f64) + update;
        }
        cost.average = ema.params().values().iter().map(bytes).sum();
        if grid > 0 {
            paint(&network, &config.model, ema.params(), [grid, c, h, w])?;
        }
        Ok(cost)
    });
    Ok(StepCost { tensors: found.pool.allocated, ..cost? })
}

/// The memory of tensors that a pass of inference takes with `n` pictures at a time: the sampler's counts, the weights do
/// not.
///
/// # Errors
/// As [`training`].
pub fn inference(config: &NetworkConfig, [c, h, w]: [usize; 3], n: usize) -> Result<u64> {
    if let Some((smaller, times)) = smaller(config, [h, w]) {
        return Ok(grown(inference(config, [c, smaller[0], smaller[1]], n)?, times));
    }
    let (weights, found) = rehearse(|| -> Result<u64> {
        let builder = Builder::new();
        let network = Network::new(config, &builder)?;
        let params = builder.draw(0);
        let weights = in_use();
        paint(&network, config, &params, [n, c, h, w])?;
        Ok(weights)
    });
    Ok(found.pool.allocated - weights?)
}

/// For pictures that are too large to be rehearsed: pictures of about half their sides, and the factor between the pixels.
fn smaller(config: &NetworkConfig, sides: [usize; 2]) -> Option<([usize; 2], f64)> {
    let pixels = |[h, w]: [usize; 2]| h as f64 * w as f64;
    if pixels(sides) <= LARGEST_PICTURE as f64 {
        return None;
    }
    let multiple = config.backbone.size_multiple();
    let half = sides.map(|side| (side / 2).next_multiple_of(multiple));
    Some((half, pixels(sides) / pixels(half)))
}

/// A pass over pictures, beside what a sampler holds of them.
fn paint(network: &Network, config: &NetworkConfig, params: &Params<f32>, shape: [usize; 4]) -> Result<()> {
    let _state: Vec<Tensor> = (0..SAMPLER_STATE).map(|_| Tensor::scratch(shape)).collect();
    pass(network, config, &Ctx::inference(params), Tensor::scratch(shape))?;
    Ok(())
}

fn pass(network: &Network, config: &NetworkConfig, ctx: &Ctx, x: Tensor) -> Result<Var> {
    let n = x.dims()[0];
    let classes = config.backbone.num_class_embeds().map(|_| vec![0; n]);
    let captions = config.caption.as_ref().map(|_| vec![Vec::new(); n]);
    let inputs = Inputs { timesteps: &[0.0], classes: classes.as_deref(), captions: captions.as_deref() };
    Ok(network.forward(ctx, Var::constant(x), inputs)?)
}

/// The gradient by the output. As in the loss, f64 slopes, the target and the difference lie beside it for a time.
fn loss(output: Tensor, noise: &Tensor) -> Tensor {
    let [target, difference] = [(); 2].map(|()| Tensor::<f32>::scratch(*noise.shape()));
    let slopes = Tensor::<f64>::scratch(*output.shape());
    let part = Tensor::<f32>::scratch(*output.shape());
    drop((target, difference, slopes, part));
    Tensor::scratch(*output.shape())
}

fn bytes<T: tweedie_tensor::Element>(x: &Tensor<T>) -> u64 {
    (x.numel() * size_of::<T>()) as u64
}

/// More bytes than any machine has, and few enough for sums of them: what a configuration asks for may be any number.
const BEYOND: u64 = 1 << 56;

/// So many times the bytes, up to [`BEYOND`].
fn grown(bytes: u64, times: f64) -> u64 {
    ((bytes as f64 * times) as u64).min(BEYOND)
}

/// The bytes that the rehearsal holds.
fn in_use() -> u64 {
    rehearsed().map_or(0, |so_far| so_far.pool.in_use as u64)
}

impl StepCost {
    /// The cost of so many times the pixels.
    fn times(self, times: f64) -> StepCost {
        let grown = |bytes| grown(bytes, times);
        let fixed = self.weights + self.gradients + self.moments + self.average;
        StepCost {
            flops: self.flops * times,
            activations: grown(self.activations),
            batches: grown(self.batches),
            tensors: fixed + grown(self.tensors.saturating_sub(fixed)),
            ..self
        }
    }
}
