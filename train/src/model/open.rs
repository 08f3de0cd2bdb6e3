use super::diffusers;
use super::trained::Model;
use crate::checkpoint::{self, Header};
use crate::{Error, Result};
use std::path::Path;
use tweedie_nn::weights::{Readable, WeightFile};
use tweedie_nn::{Builder, Network};

impl Model {
    /// Opens a MODEL: a run directory (its newest checkpoint that is whole), a checkpoint file, or a diffusers folder in any of its
    /// layouts, or a file of weights in one. `ema` takes the moving average of the weights where there is one.
    ///
    /// # Errors
    /// Something else, or files that are damaged, naming which.
    pub fn open(path: &Path, ema: bool) -> Result<Model> {
        if diffusers::layout::is_one(path) {
            return diffusers::open::open(path, ema);
        }
        if path.exists() && !path.is_dir() {
            let read = |path: &Path| Model::from_checkpoint(path, ema);
            return read(path).map_err(|error| checkpoint::whole_beside(error, path, read));
        }
        let (mut model, notes) = checkpoint::newest(path, |path| Model::from_checkpoint(path, ema))?;
        model.notes.extend(notes);
        Ok(model)
    }

    /// Opens a checkpoint whose bytes lie wherever `from` has them, as in memory; errors call it `name`.
    ///
    /// # Errors
    /// Bytes that are no checkpoint, or are damaged.
    pub fn read(name: &Path, from: impl Readable + 'static, ema: bool) -> Result<Model> {
        let (header, weights) = checkpoint::whole(WeightFile::from_reader(name, from)?)?;
        Model::held(&header, &weights, ema).map_err(Error::asked_by(name))
    }

    fn from_checkpoint(path: &Path, ema: bool) -> Result<Model> {
        let (header, weights) = checkpoint::read(path)?;
        Model::held(&header, &weights, ema).map_err(Error::asked_by(path))
    }

    fn held(header: &Header, weights: &WeightFile, ema: bool) -> Result<Model> {
        let builder = Builder::new();
        let network = Network::new(&header.config.model, &builder)?;
        checkpoint::check_complete(weights, header, &builder)?;
        let prefix = if ema { checkpoint::EMA } else { checkpoint::MODEL };
        let params = checkpoint::params(weights, prefix, &builder)?;
        Model::of_run(&header.config, network, params)
    }
}
