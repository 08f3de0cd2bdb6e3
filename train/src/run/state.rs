//! What steps of training change, all of which a checkpoint holds.

use crate::Result;
use crate::config::Config;
use tweedie_diffusion::{Schedule, TimestepSampler};
use tweedie_nn::optim::Optimizer;
use tweedie_nn::{Ema, Params};

/// A run between two steps.
pub(super) struct State {
    /// Steps done. The data position and every random number follow from it.
    pub(super) step: u64,
    pub(super) params: Params<f32>,
    /// Their moving average.
    pub(super) ema: Ema,
    pub(super) optimizer: Optimizer,
    /// Which times are drawn; it remembers losses where the draws follow them.
    pub(super) times: TimestepSampler,
}

impl State {
    /// Before the first step, from these weights.
    ///
    /// # Errors
    /// An optimizer, an average or times that there cannot be.
    pub(super) fn fresh(config: &Config, schedule: &Schedule, params: Params<f32>) -> Result<State> {
        Ok(State {
            step: 0,
            ema: Ema::new(&params, config.train.ema_decay)?,
            optimizer: Optimizer::new(config.optimizer.rule, &params)?,
            times: TimestepSampler::new(config.diffusion.timestep_sampling, schedule.num_timesteps())?,
            params,
        })
    }
}
