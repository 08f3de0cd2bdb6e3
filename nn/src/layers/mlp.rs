use super::Linear;
use crate::{Builder, Ctx, Layer};
use tweedie_autograd::{Result, Var};
use tweedie_tensor::Element;

/// The feed-forward layer of a transformer, applied to each token: linear, GELU in its tanh form (Hendrycks, Gimpel 2016),
/// linear.
#[derive(Debug, Clone)]
pub struct Mlp {
    fc1: Linear,
    fc2: Linear,
}

impl Mlp {
    /// Registers `fc1`, `width` to `inner` numbers, and `fc2`, `inner` to `width`.
    pub fn new(b: &Builder, width: usize, inner: usize) -> Mlp {
        Mlp { fc1: Linear::new(&b.pp("fc1"), width, inner), fc2: Linear::new(&b.pp("fc2"), inner, width) }
    }

    /// The first linear map.
    pub(crate) fn fc1(&self) -> &Linear {
        &self.fc1
    }

    /// The rest of the layer, from the result of the first linear map.
    pub(crate) fn finish<T: Element>(&self, ctx: &Ctx<T>, inner: Var<T>) -> Result<Var<T>> {
        self.fc2.after_gelu(ctx, inner)
    }
}

impl Layer for Mlp {
    fn forward<T: Element>(&self, ctx: &Ctx<T>, x: Var<T>) -> Result<Var<T>> {
        self.finish(ctx, self.fc1.forward(ctx, x)?)
    }
}
