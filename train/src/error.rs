use std::io;
use std::path::{Path, PathBuf};

/// What training, and opening what training left, can refuse. Each message is one line: what, where, what to do.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file or folder could not be read or written.
    #[error("cannot {action}, {}: {source}", path.display())]
    Io {
        /// What was being done.
        action: &'static str,
        /// To which file.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
    /// A configuration that cannot be used.
    #[error("{what}, {place}: {remedy}")]
    Config {
        /// What is wrong.
        what: String,
        /// The file or key.
        place: String,
        /// What to do about it.
        remedy: String,
    },
    /// A MODEL that is none.
    #[error("{what}, {}: {remedy}", path.display())]
    Model {
        /// What is wrong.
        what: String,
        /// The file or folder.
        path: PathBuf,
        /// What to do about it.
        remedy: String,
    },
    /// The loss or a gradient stopped being a finite number.
    #[error(
        "the loss is no longer a finite number, step {step}: lower optimizer.learning_rate, or set optimizer.clip"
    )]
    Diverged {
        /// The step.
        step: u64,
    },
    /// The data set refused.
    #[error(transparent)]
    Data(#[from] crate::data::DataError),
    /// A network's output is no longer finite.
    #[error(
        "the network's output is not finite at t = {t}, first in layer {layer}: take other weights, or paint from less noise"
    )]
    NotFinite {
        /// The first clock value of the batch.
        t: f64,
        /// The first layer whose output is not.
        layer: String,
    },
    /// A layer or a weight file refused.
    #[error(transparent)]
    Nn(#[from] tweedie_nn::Error),
    /// A schedule, loss or sampler refused.
    #[error(transparent)]
    Diffusion(#[from] tweedie_diffusion::Error),
    /// Differentiation refused.
    #[error(transparent)]
    Autograd(#[from] tweedie_autograd::Error),
    /// A tensor kernel refused.
    #[error(transparent)]
    Tensor(#[from] tweedie_tensor::Error),
}

impl Error {
    /// For `map_err` on the operations of `std::fs`.
    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Error {
        let path = path.to_path_buf();
        move |source| Error::Io { action, path, source }
    }

    pub(crate) fn config(
        what: impl Into<String>,
        place: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Error {
        Error::Config { what: what.into(), place: place.into(), remedy: remedy.into() }
    }

    pub(crate) fn model(what: impl Into<String>, path: &Path, remedy: impl Into<String>) -> Error {
        Error::Model { what: what.into(), path: path.to_path_buf(), remedy: remedy.into() }
    }
}

/// The result of anything in this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;
