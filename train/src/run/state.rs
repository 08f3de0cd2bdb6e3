//! What steps of training change, all of which a checkpoint holds.

use crate::checkpoint::{self, EMA, MODEL, OPTIMIZER, TIMES};
use crate::config::Config;
use crate::{Error, Result};
use std::collections::BTreeMap;
use tweedie_diffusion::{Schedule, TimestepSampler};
use tweedie_nn::optim::Optimizer;
use tweedie_nn::{Builder, Ema, Params};
use tweedie_tensor::Tensor;

/// A run between two steps.
pub(crate) struct State {
    /// Steps done. The data position and every random number follow from it.
    pub(crate) step: u64,
    pub(crate) params: Params<f32>,
    /// Their moving average.
    pub(crate) ema: Ema,
    pub(crate) optimizer: Optimizer,
    /// Which times are drawn; it remembers losses where the draws follow them.
    pub(crate) times: TimestepSampler,
}

impl State {
    /// Before the first step, from these weights.
    ///
    /// # Errors
    /// An optimizer, an average or times that there cannot be.
    pub(crate) fn fresh(config: &Config, schedule: &Schedule, params: Params<f32>) -> Result<State> {
        Ok(State {
            step: 0,
            ema: Ema::new(&params, config.train.ema_decay)?,
            optimizer: Optimizer::new(config.optimizer.rule, &params)?,
            times: TimestepSampler::new(config.diffusion.timestep_sampling, schedule.num_timesteps())?,
            params,
        })
    }

    /// All its tensors by their names in a checkpoint. Numbers are shared: a step that goes on meanwhile copies what it writes.
    pub(crate) fn tensors(&self) -> Vec<(String, Tensor<f32>)> {
        let State { params, ema, optimizer, times, .. } = self;
        let moments =
            optimizer.state(params).map(|(name, value)| (format!("{OPTIMIZER}{name}"), value.clone()));
        checkpoint::named(MODEL, params)
            .chain(checkpoint::named(EMA, ema.params()))
            .chain(moments)
            .chain(times.state().map(|losses| (TIMES.to_string(), losses)))
            .collect()
    }
}

impl State {
    /// The state after `step` steps, `updates` of which moved weights, with the tensors that [`State::tensors`] names.
    ///
    /// # Errors
    /// A tensor that is missing, or of another shape than the network's.
    pub(super) fn restored(
        config: &Config,
        schedule: &Schedule,
        builder: &Builder,
        step: u64,
        updates: u64,
        mut tensors: BTreeMap<String, Tensor<f32>>,
    ) -> Result<State> {
        let specs = builder.specs();
        let mut params = |prefix: &str| -> Result<Params<f32>> {
            let mut take = |name: &str| {
                tensors.remove(&format!("{prefix}{name}")).ok_or_else(|| {
                    let what = format!("tensor '{name}' is missing");
                    Error::config(what, "what rank 0 has sent", "run the same program everywhere")
                })
            };
            let values = specs.iter().map(|spec| take(&spec.name)).collect::<Result<Vec<_>>>()?;
            Ok(Params::from_specs(&specs, |index, _| values[index].clone()))
        };
        let (params, average) = (params(MODEL)?, params(EMA)?);
        let moments = tensors
            .iter()
            .filter_map(|(name, value)| Some((name.strip_prefix(OPTIMIZER)?.to_string(), value.clone())))
            .collect();
        let mut times = TimestepSampler::new(config.diffusion.timestep_sampling, schedule.num_timesteps())?;
        if let Some(losses) = tensors.get(TIMES) {
            times.restore(losses)?;
        }
        Ok(State {
            step,
            ema: Ema::restore(average, config.train.ema_decay, updates)?,
            optimizer: Optimizer::restore(config.optimizer.rule, &params, updates, &moments)?,
            params,
            times,
        })
    }
}
