use crate::checkpoint::{self, Header};
use crate::run::JournalState;
use crate::run::state::State;
use crate::{Config, Error, Model, Result, memory};
use std::fs;
use std::path::Path;
use std::time::Instant;
use tweedie_nn::optim::StepOptions;
use tweedie_nn::{Builder, Network, NetworkConfig, Params};
use tweedie_tensor::{Tensor, trim_pool};

/// All that a checkpoint holds: weights, their average, the moments of AdamW.
pub struct Saving {
    header: Header,
    tensors: Vec<(String, Tensor<f32>)>,
    num_parameters: usize,
}

/// What saving took.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SaveTimes {
    /// Of each save, in milliseconds.
    pub ms: Vec<f64>,
    /// The most memory beside the state that is saved, MiB; 0 where the system does not tell.
    pub extra_mib: u64,
}

impl SaveTimes {
    /// The least time, in milliseconds.
    pub fn least(&self) -> f64 {
        self.ms.iter().copied().fold(f64::INFINITY, f64::min)
    }

    /// The median time, in milliseconds, the upper of two; infinite where there is none.
    pub fn median(&self) -> f64 {
        let mut sorted = self.ms.clone();
        sorted.sort_by(f64::total_cmp);
        sorted.get(sorted.len() / 2).copied().unwrap_or(f64::INFINITY)
    }
}

impl Saving {
    /// The state of the network of `config` after one step from random weights.
    ///
    /// # Errors
    /// A configuration that makes no network.
    pub fn new(config: &NetworkConfig) -> Result<Saving> {
        let builder = Builder::new();
        Network::new(config, &builder)?;
        Saving::of(config, builder.draw(0))
    }

    /// That of a trained network.
    ///
    /// # Errors
    /// None for a model that could be opened.
    pub fn of_model(model: Model) -> Result<Saving> {
        Saving::of(&model.config, model.params)
    }

    fn of(model: &NetworkConfig, params: Params<f32>) -> Result<Saving> {
        let config = Config { model: model.clone(), ..Config::default() };
        let mut state = State::fresh(&config, &config.diffusion.schedule()?, params)?;
        // After a step, no two of its tensors share their numbers, and none is all zeros.
        let gradients: Vec<Option<Tensor>> = state.params.values().iter().cloned().map(Some).collect();
        let options = StepOptions { average: Some(&mut state.ema), ..StepOptions::at(1e-4) };
        state.optimizer.step(&mut state.params, &gradients, options)?;
        drop(gradients);
        trim_pool();
        let header = Header {
            config,
            step: 1,
            seconds: 0.0,
            loss: 0.0,
            validation: None,
            journal: JournalState::default(),
            data: None,
            changes: Vec::new(),
        };
        Ok(Saving { header, num_parameters: state.params.numel(), tensors: state.tensors() })
    }

    /// How many numbers the network learns.
    pub fn num_parameters(&self) -> usize {
        self.num_parameters
    }

    /// Bytes of all tensors.
    pub fn state_bytes(&self) -> u64 {
        self.tensors.iter().map(|(_, tensor)| size_of_val(tensor.as_slice()) as u64).sum()
    }

    /// Writes a checkpoint to `path` as a run does, and removes it, which is not measured; adds what it took to `times`.
    ///
    /// # Errors
    /// A place that cannot be written.
    pub fn measure(&self, path: &Path, times: &mut SaveTimes) -> Result<()> {
        memory::forget_peak();
        let (held, began) = (memory::rss_mib(), Instant::now());
        checkpoint::write(path, &self.header, &self.tensors)?;
        times.ms.push(1e3 * began.elapsed().as_secs_f64());
        times.extra_mib = times.extra_mib.max(memory::peak_rss_mib().saturating_sub(held));
        fs::remove_file(path).map_err(Error::io("remove", path))
    }
}
