use crate::layers::Linear;
use crate::{Builder, Ctx, Layer};
use tweedie_autograd::{Result, Var};
use tweedie_tensor::Element;

/// h + W₂ SiLU((1 + scale) · (W₁ h) + shift): time and class scale and shift what is between the two linear layers, as they
/// do in a block of a UNet. Initially W₂ is zero, and the block the identity.
#[derive(Debug, Clone)]
pub(super) struct Block {
    linear_1: Linear,
    condition: Linear,
    linear_2: Linear,
    width: usize,
}

impl Block {
    /// Registers `linear_1`, `condition` and `linear_2`.
    pub(super) fn new(b: &Builder, width: usize) -> Block {
        Block {
            linear_1: Linear::new(&b.pp("linear_1"), width, width),
            condition: Linear::zeros(&b.pp("condition"), width, 2 * width),
            linear_2: Linear::zeros(&b.pp("linear_2"), width, width),
            width,
        }
    }

    /// Maps h \[n, d\] to \[n, d\], given SiLU of the condition \[n, d\].
    pub(super) fn forward<T: Element>(&self, ctx: &Ctx<T>, h: Var<T>, condition: Var<T>) -> Result<Var<T>> {
        let rows = self.condition.forward(ctx, condition)?;
        let scale = rows.clone().narrow(1, 0, self.width)?;
        let shift = rows.narrow(1, self.width, self.width)?;
        let inner = self.linear_1.forward(ctx, h.clone())?;
        let inner = scale.add_scalar(1.0)?.mul(inner)?.add(shift)?.silu()?;
        h.add(self.linear_2.forward(ctx, inner)?)
    }
}
