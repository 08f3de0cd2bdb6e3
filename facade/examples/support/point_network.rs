//! A small network that denoises points of the plane.

use tweedie::nn::layers::{Linear, Sinusoid};
use tweedie::prelude::*;

/// Maps points \[n, 2\] and their times to \[n, 2\]: residual layers on what place and time are embedded to.
pub(crate) struct PointNetwork {
    place: Linear,
    time: Linear,
    hidden: Vec<Linear>,
    out: Linear,
}

const FREQUENCIES: usize = 32;

impl PointNetwork {
    pub(crate) fn new(b: &Builder, width: usize) -> PointNetwork {
        PointNetwork {
            place: Linear::new(&b.pp("place"), 2, width),
            time: Linear::new(&b.pp("time"), FREQUENCIES, width),
            hidden: (0..3).map(|i| Linear::new(&b.pp("hidden").pp(i), width, width)).collect(),
            out: Linear::zeros(&b.pp("out"), width, 2),
        }
    }

    pub(crate) fn forward(
        &self,
        ctx: &Ctx,
        x: Var,
        timesteps: &[f64],
    ) -> Result<Var, tweedie::autograd::Error> {
        let time = Var::constant(Sinusoid::ddpm(FREQUENCIES).embed(timesteps));
        let mut h = self.place.forward(ctx, x)? + self.time.forward(ctx, time)?;
        for layer in &self.hidden {
            h = &h + layer.forward(ctx, h.clone().silu()?)?;
        }
        self.out.forward(ctx, h.silu()?)
    }
}
