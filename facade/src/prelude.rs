//! What most programs name: `use tweedie::prelude::*;`.

pub use crate::autograd::{Tape, Var};
pub use crate::diffusion::{Condition, Denoiser, Prediction, PredictionKind, Sampler, Schedule};
pub use crate::nn::{Builder, Ctx, Fit, Layer, Params};
pub use crate::tensor::{Element, Shape, Tensor};
pub use crate::train::NetworkDenoiser;
