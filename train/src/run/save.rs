//! What a run leaves on the disk beside its metrics.

use super::Run;
use crate::checkpoint::{self, Header};
use crate::observer::{Event, Observer};
use crate::{Result, files};
use std::path::Path;
use tweedie_tensor::Tensor;

impl Run {
    pub(super) fn write_config(&self, out: &Path) -> Result<()> {
        files::write_whole(&out.join("config.toml"), self.config.to_toml()?.as_bytes())
    }

    pub(super) fn save(
        &mut self,
        out: &Path,
        seconds: f64,
        loss: f64,
        observer: &mut dyn Observer,
    ) -> Result<()> {
        let header = Header { config: self.config.clone(), step: self.step, seconds, loss };
        let path = checkpoint::path_of(out, self.step);
        let moments = self.optimizer.state(&self.params);
        let times = self.times.state();
        let tensors: Vec<(String, &Tensor<f32>)> = checkpoint::named(checkpoint::MODEL, &self.params)
            .chain(checkpoint::named(checkpoint::EMA, self.ema.params()))
            .chain(moments.map(|(name, value)| (format!("{}{name}", checkpoint::OPTIMIZER), value)))
            .chain(times.iter().map(|losses| (checkpoint::TIMES.to_string(), losses)))
            .collect();
        checkpoint::write(&path, &header, &tensors)?;
        if self.best.is_none_or(|(_, best)| loss < best) {
            self.best = Some((self.step, loss));
        }
        checkpoint::prune(out, self.config.train.keep, self.best.map(|(step, _)| step))?;
        observer.observe(Event::Saved { step: self.step, path: &path })?;
        Ok(())
    }
}
