//! The section `train`.

use crate::{Error, Result};
use serde::{Deserialize, Serialize};
use tweedie_tensor::Precision;

/// What of the forward pass is computed a second time, for memory (gradient checkpointing; T. Chen et al. 2016).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Recompute {
    /// Nothing: all that the backward pass reads is kept.
    #[default]
    None,
    /// What lies inside each residual block, attention block and transformer block: only their inputs are kept.
    Blocks,
}

impl Recompute {
    /// Whether blocks run a second time.
    pub fn blocks(self) -> bool {
        self == Recompute::Blocks
    }
}

/// Precision of the operands of the products of linear layers and of their gradients, as the network learns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProductPrecision {
    /// As they are.
    #[default]
    F32,
    /// Rounded to 8 significant bits; sums are taken in f32.
    Bf16,
}

impl From<ProductPrecision> for Precision {
    fn from(precision: ProductPrecision) -> Precision {
        match precision {
            ProductPrecision::F32 => Precision::F32,
            ProductPrecision::Bf16 => Precision::Bf16,
        }
    }
}

/// How finely gradients are summed over shards and ranks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GradientPrecision {
    /// As they are computed.
    #[default]
    F32,
    /// Each shard's gradient, and each sum of two, is rounded to 8 significant bits; the sums themselves are taken in f32. Half
    /// as many bytes travel between ranks.
    Bf16,
}

/// How long, how much at once, and what is kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TrainConfig {
    /// Every random number of the run follows from it.
    pub seed: u64,
    /// Pictures a step.
    pub batch: usize,
    /// Into how many equal runs of samples a batch is cut, a power of two. Each has a pass of its own, one after another, so
    /// a step takes the memory of a pass over batch / shards pictures; the sum of their gradients fixes the bits.
    pub shards: usize,
    /// What of the forward pass is computed again in the backward pass instead of being kept. The weights have the same bits.
    pub recompute: Recompute,
    /// Precision of linear layers' products in the passes that train. Everything else, and every pass that measures
    /// or paints, is f32.
    pub precision: ProductPrecision,
    /// How finely gradients are summed over shards and ranks. The weights have the same bits on any number of ranks either way.
    pub gradient_precision: GradientPrecision,
    /// The last step. Unset, the time budget ends the run, and then it is written here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub steps: Option<u64>,
    /// Seconds of training, after which the run ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time_budget: Option<f64>,
    /// The share of a time budget, at its end, over which the learning rate falls to 0.
    pub decay_share: f64,
    /// Whether the network is conditioned on each picture's class.
    pub class_conditional: bool,
    /// The share of samples that are learnt without their class, which guidance needs.
    pub label_dropout: f64,
    /// The largest decay of the moving average of the weights; it starts lower and rises with the steps.
    pub ema_decay: f64,
    /// Steps between checkpoints; there is always one at the end.
    pub checkpoint_every: u64,
    /// How many of the newest checkpoints stay.
    pub keep: usize,
    /// Steps between lines of the metrics.
    pub log_every: u64,
    /// Steps between validations with the averaged weights, each at the first line of the metrics from there on; 0 for none.
    /// Unset, the batch decides at the start, so that they take the same small share of any run, and it is written here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub validate_every: Option<u64>,
    /// How many times a grid of samples is painted, evenly over the run.
    pub grids: u64,
    /// What is done where a loss or a gradient is not finite.
    pub on_divergence: OnDivergence,
    /// How many steps in a row `skip` leaves out at most.
    pub skip_limit: u64,
    /// What `roll_back` multiplies the learning rate with.
    pub roll_back_factor: f64,
    /// How often in a run it does.
    pub roll_back_limit: u64,
}

/// What a run does when it diverges.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnDivergence {
    /// It ends, with its last checkpoint as it was.
    #[default]
    Stop,
    /// It leaves the step out.
    Skip,
    /// It goes back to its last checkpoint, and on from there at a lower learning rate.
    RollBack,
}

impl Default for TrainConfig {
    fn default() -> Self {
        TrainConfig {
            seed: 0,
            batch: 64,
            shards: 1,
            recompute: Recompute::None,
            precision: ProductPrecision::F32,
            gradient_precision: GradientPrecision::F32,
            steps: None,
            time_budget: None,
            decay_share: 0.4,
            class_conditional: true,
            label_dropout: 0.1,
            ema_decay: 0.999,
            checkpoint_every: 500,
            keep: 2,
            log_every: 10,
            validate_every: None,
            grids: 5,
            on_divergence: OnDivergence::Stop,
            skip_limit: 10,
            roll_back_factor: 0.5,
            roll_back_limit: 3,
        }
    }
}

/// Refuses what batches of `n` samples cannot be cut into.
///
/// # Errors
/// The key `train.shards`, and what divides the batch.
pub(crate) fn check_shards(n: usize, shards: usize) -> Result<()> {
    if shards.is_power_of_two() && n.is_multiple_of(shards) {
        return Ok(());
    }
    let most = 1 << n.trailing_zeros();
    let remedy = match most {
        1 => format!("give --shards 1, or batches of a multiple of {}", shards.next_power_of_two()),
        most => format!("give --shards 1, or a power of two up to {most}"),
    };
    Err(Error::config(format!("{shards} shards of a batch of {n}"), "train.shards", remedy))
}
