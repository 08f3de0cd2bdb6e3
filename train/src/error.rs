use crate::cluster::ClusterError;
use crate::data::DataError;
use crate::run::Divergence;
use crate::user_error::UserError;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// What training, and opening what training left, can refuse. A message is one line: what, where, what to do
/// ([`Error::user_error`]).
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file or folder could not be read or written.
    Io {
        /// What was being done, as "read".
        action: &'static str,
        /// To which file.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
    /// A configuration, a MODEL or data that cannot be used.
    User(UserError),
    /// A checkpoint of a later version of the program: it is whole, and no reason to take an earlier one.
    Newer {
        /// The checkpoint.
        path: PathBuf,
        /// Its format.
        format: String,
    },
    /// The loss, a gradient or a weight stopped being a finite number.
    Diverged(Box<Divergence>),
    /// The data set refused.
    Data(#[from] DataError),
    /// A network's output is no longer finite.
    NotFinite {
        /// The first clock value of the batch.
        t: f64,
        /// The first layer whose output is not.
        layer: String,
    },
    /// The ranks of a cluster run cannot train together, or cannot any longer.
    Cluster(#[from] ClusterError),
    /// A layer or a weight file refused.
    Nn(#[from] tweedie_nn::Error),
    /// A schedule, loss or sampler refused.
    Diffusion(#[from] tweedie_diffusion::Error),
    /// Differentiation refused.
    Autograd(#[from] tweedie_autograd::Error),
    /// A tensor kernel refused.
    Tensor(#[from] tweedie_tensor::Error),
}

impl Error {
    /// What to tell a person: what is wrong, where, and what to do about it.
    pub fn user_error(&self) -> UserError {
        match self {
            Error::Io { action, path, source } => UserError::io(action, path, source),
            Error::User(error) => error.clone(),
            Error::Newer { path, format } => UserError::new(
                format!("was written by a newer tweedie, in the format '{format}'"),
                path.display().to_string(),
                "use that program, or a checkpoint of this one",
            ),
            Error::Diverged(found) => {
                UserError::new(found.what(), format!("step {}", found.step), found.remedy())
            }
            Error::Data(error) => error.user_error(),
            Error::NotFinite { t, layer } => UserError::new(
                format!("the network's output is not finite at t = {t}"),
                format!("first in layer {layer}"),
                "take other weights, or paint from less noise",
            ),
            Error::Cluster(error) => error.user_error(),
            Error::Nn(error) => error.into(),
            // A model that samplers ask wraps its own errors.
            Error::Diffusion(outer) => match outer {
                tweedie_diffusion::Error::Denoiser(inner) => {
                    inner.downcast_ref::<Error>().map_or_else(|| outer.into(), Error::user_error)
                }
                other => other.into(),
            },
            Error::Autograd(error) => error.into(),
            Error::Tensor(error) => error.into(),
        }
    }

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
        Error::User(UserError::new(what, place, remedy))
    }

    /// For `map_err` on what the configuration in a file asks for: what networks and schedules refuse names the file too.
    pub(crate) fn asked_by(path: &Path) -> impl FnOnce(Error) -> Error + use<> {
        let path = path.to_path_buf();
        move |error| match error {
            Error::Nn(tweedie_nn::Error::Config { .. }) | Error::Diffusion(_) => {
                let UserError { what, place, remedy } = error.user_error();
                Error::model(format!("{what} ({place})"), &path, remedy)
            }
            other => other,
        }
    }

    pub(crate) fn model(what: impl Into<String>, path: &Path, remedy: impl Into<String>) -> Error {
        Error::config(what, path.display().to_string(), remedy)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.user_error().fmt(f)
    }
}

/// The result of anything in this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;
