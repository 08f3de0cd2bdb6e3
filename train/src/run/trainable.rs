//! What can be trained.

use crate::{Error, Result};
use tweedie_autograd::Var;
use tweedie_nn::{Ctx, Inputs, Network};

/// A network that a [`Trainer`](super::Trainer) can train: it maps noisy pictures, their times and conditions to a
/// prediction, and takes its weights from the context. A closure of this form is one, whichever of the crates its errors
/// come from.
pub trait Trainable {
    /// Maps `x`, whose leading axis counts samples, to what the configuration's `diffusion.prediction` names, in the same
    /// shape; with a learned variance, in twice the channels.
    ///
    /// # Errors
    /// Shapes or inputs that the network does not take.
    fn forward(&self, ctx: &Ctx, x: Var, inputs: Inputs<'_>) -> Result<Var>;
}

impl Trainable for Network {
    fn forward(&self, ctx: &Ctx, x: Var, inputs: Inputs<'_>) -> Result<Var> {
        Ok(Network::forward(self, ctx, x, inputs)?)
    }
}

impl<F, E> Trainable for F
where
    F: Fn(&Ctx, Var, Inputs<'_>) -> Result<Var, E>,
    Error: From<E>,
{
    fn forward(&self, ctx: &Ctx, x: Var, inputs: Inputs<'_>) -> Result<Var> {
        Ok(self(ctx, x, inputs)?)
    }
}
