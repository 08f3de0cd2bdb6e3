use std::path::PathBuf;

/// What building, running, reading or writing a network can refuse.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// An operation refused its operands.
    #[error(transparent)]
    Autograd(#[from] tweedie_autograd::Error),
    /// A key of a model's configuration has a value that no model can be built from.
    #[error("{key} = {value}: {why}")]
    Config {
        /// The key.
        key: String,
        /// The value that was given.
        value: String,
        /// The rule that it breaks, and what would do.
        why: String,
    },
    /// A network was given something that it was not built for.
    #[error("{network}: {what}: {why}")]
    Input {
        /// The network.
        network: &'static str,
        /// What was given.
        what: String,
        /// The rule that it breaks.
        why: String,
    },
    /// A file cannot be read or written, or is not what it should be.
    #[error("{}: {why}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// The tensors of a file are not the parameters of the model.
    #[error("{}: does not fit the model: {}", path.display(), list(problems))]
    Weights {
        /// The file.
        path: PathBuf,
        /// One line for each tensor that is missing, unexpected, misshaped or of the wrong type.
        problems: Vec<String>,
    },
    /// What was saved of an optimizer or an average belongs to other parameters.
    #[error("{what}: {name}: {why}")]
    State {
        /// What was to be restored, or used.
        what: &'static str,
        /// The tensor in question.
        name: String,
        /// What is wrong with it.
        why: String,
    },
    /// A step whose loss or gradient is infinite or NaN.
    #[error("step {step}: the loss or its gradient is not finite; the weights are unchanged")]
    Diverged {
        /// The number of the step, from 0.
        step: u64,
    },
}

impl From<tweedie_tensor::Error> for Error {
    fn from(error: tweedie_tensor::Error) -> Error {
        Error::Autograd(error.into())
    }
}

/// As many lines as a reader takes in; the rest is counted.
fn list(problems: &[String]) -> String {
    const SHOWN: usize = 8;
    let mut text = problems[..problems.len().min(SHOWN)].join("; ");
    if problems.len() > SHOWN {
        text += &format!("; and {} more", problems.len() - SHOWN);
    }
    text
}

/// The result of what this crate does beyond differentiable operations.
pub type Result<T, E = Error> = std::result::Result<T, E>;
