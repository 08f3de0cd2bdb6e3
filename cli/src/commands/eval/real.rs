//! The real pictures that a model is measured by.

use crate::args::RealArgs;
use crate::error::{Failure, Result};
use std::sync::Arc;
use tweedie_train::Model;
use tweedie_train::config::DataConfig;
use tweedie_train::data::{self, DataOptions, Source, Split};

/// A data set, not opened yet.
pub(super) struct Real {
    source: String,
    options: DataOptions,
}

impl Real {
    /// The data that the command line names, else what the model learnt from.
    ///
    /// # Errors
    /// When neither says.
    pub(super) fn new(args: &RealArgs, model: Option<&Model>) -> Result<Real> {
        let learnt = model.and_then(Model::data);
        let Some(source) = args.data.clone().or_else(|| learnt.map(|data| data.source.clone())) else {
            return Err(Failure::user(
                "nothing says which pictures are real",
                "--data",
                "give the data that the model learnt from",
            ));
        };
        let asked = args.image_size.map(|size| size as usize);
        let image_size = asked.or_else(|| learnt.and_then(|data| data.image_size));
        Ok(Real {
            source,
            options: DataOptions { image_size, ..learnt.map(DataConfig::options).unwrap_or_default() },
        })
    }

    /// What it is called.
    pub(super) fn name(&self) -> &str {
        &self.source
    }

    /// One of its parts, whose pictures must have the `shape` (channels, height, width) of the pictures that they are
    /// compared with.
    ///
    /// # Errors
    /// Data that cannot be opened, or of another shape.
    pub(super) fn open(&self, split: Split, shape: [usize; 3]) -> Result<Arc<dyn Source>> {
        let source = data::open(&self.source, split, &self.options)?;
        let found = source.shape();
        if found == shape {
            return Ok(data::hold(source)?);
        }
        let ([c, h, w], [c_real, h_real, w_real]) = (shape, found);
        let remedy = if c == c_real && h == w {
            format!("give --image-size {h}")
        } else {
            "give the data that the model learnt from".to_string()
        };
        Err(Failure::user(
            format!(
                "real pictures of {c_real} × {h_real} × {w_real} beside painted ones of {c} × {h} × {w} (channels, height, width)"
            ),
            format!("--data {}", self.source),
            remedy,
        ))
    }
}
