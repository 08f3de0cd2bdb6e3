use crate::PredictionKind;
use tweedie_tensor::Shape;

/// What the mathematics can refuse, naming the time and the value.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A β that is no variance of a diffusion step.
    #[error("schedule: beta = {beta} at index {t} (t = {} in the papers) is outside (0, 1)", t + 1)]
    Beta {
        /// Index of the step, from 0.
        t: usize,
        /// The value.
        beta: f64,
    },
    /// A parameter (a number of steps, η, γ, a range) is outside its domain.
    #[error("{what}: {name} = {value}: {why}")]
    Parameter {
        /// What was being built or computed.
        what: &'static str,
        /// The parameter's name.
        name: &'static str,
        /// The value that was given.
        value: String,
        /// The rule that it breaks.
        why: String,
    },
    /// A key of a configuration has a value that is not supported.
    #[error("{key} = {value:?} is not supported; it can be {supported}")]
    Unsupported {
        /// The key.
        key: &'static str,
        /// The value that was given.
        value: String,
        /// What would be accepted.
        supported: &'static str,
    },
    /// An index of time that the schedule does not have.
    #[error("{op}: t = {t} is outside a schedule of {steps} steps (0 to {})", steps - 1)]
    Time {
        /// The operation.
        op: &'static str,
        /// The index that was given.
        t: usize,
        /// How many steps the schedule has.
        steps: usize,
    },
    /// Times or classes are not one for each sample.
    #[error("{op}: {given} {what} were given for {samples} samples (shape {shape})")]
    Count {
        /// The operation.
        op: &'static str,
        /// What is counted.
        what: &'static str,
        /// How many there are.
        given: usize,
        /// How many there should be.
        samples: usize,
        /// The shape of the batch.
        shape: Shape,
    },
    /// A prediction does not determine what is asked of it at this level of noise.
    #[error(
        "a prediction of {from} does not determine {to} at t = {t} (signal {signal}, noise {noise}): \
         predict something else, or take a schedule that ends short of pure noise"
    )]
    Undetermined {
        /// What was predicted.
        from: PredictionKind,
        /// What was asked for.
        to: PredictionKind,
        /// The clock value.
        t: f64,
        /// √ᾱ there.
        signal: f64,
        /// √(1 − ᾱ) there.
        noise: f64,
    },
    /// The model answered with infinities or NaN.
    #[error("the model's prediction of {kind} at t = {t} is not finite (sample {sample} of the batch)")]
    NotFinite {
        /// What was predicted.
        kind: PredictionKind,
        /// The clock value.
        t: f64,
        /// The first sample that is not finite.
        sample: usize,
    },
    /// The model answered with another shape than it was given.
    #[error("the model's prediction of {kind} has shape {given}, and x_t has {expected}")]
    PredictionShape {
        /// What was predicted.
        kind: PredictionKind,
        /// The shape of the answer.
        given: Shape,
        /// The shape of x_t.
        expected: Shape,
    },
    /// A tensor operation refused its operands.
    #[error(transparent)]
    Tensor(#[from] tweedie_tensor::Error),
    /// The denoiser failed, for a reason of its own.
    #[error(transparent)]
    Denoiser(Box<dyn std::error::Error + Send + Sync>),
}

/// The result of an operation of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    pub(crate) fn parameter(
        what: &'static str,
        name: &'static str,
        value: impl ToString,
        why: impl Into<String>,
    ) -> Error {
        Error::Parameter { what, name, value: value.to_string(), why: why.into() }
    }
}
