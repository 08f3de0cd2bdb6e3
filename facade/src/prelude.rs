//! What most programs name: `use tweedie::prelude::*;`.

pub use crate::autograd::{Tape, Var};
pub use crate::diffusion::{
    Condition, Denoiser, Loss, Prediction, PredictionKind, Sampler, SamplerKind, SamplerSettings, Schedule,
};
pub use crate::nn::optim::OptimConfig;
pub use crate::nn::{Builder, Ctx, Fit, Inputs, Layer, Params};
pub use crate::tensor::random::{self, Purpose, Stream};
pub use crate::tensor::{Element, Shape, Tensor};
pub use crate::train::NetworkDenoiser;
