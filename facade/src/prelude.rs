//! What most programs name: `use tweedie::prelude::*;`.

pub use crate::autograd::{Op, Sink, Tape, Var};
pub use crate::diffusion::{Condition, Denoiser, Prediction, PredictionKind, Sampler, Schedule};
pub use crate::nn::{Builder, Ctx, Layer, Params};
pub use crate::tensor::{Element, Shape, Tensor};
