use super::modulation::{Modulation, modulated};
use crate::layers::Linear;
use crate::{Builder, Ctx};
use tweedie_autograd::{Result, Var};
use tweedie_tensor::Element;

/// The map from tokens to the numbers of their patches, initially zero.
#[derive(Debug, Clone)]
pub(super) struct FinalLayer {
    modulation: Modulation,
    linear: Linear,
}

impl FinalLayer {
    /// Registers `adaLN_modulation` and `linear`.
    pub(super) fn new(b: &Builder, width: usize, outputs: usize) -> FinalLayer {
        FinalLayer {
            modulation: Modulation::new(&b.pp("adaLN_modulation"), width, 2),
            linear: Linear::zeros(&b.pp("linear"), width, outputs),
        }
    }

    /// Maps tokens x \[n, s, d\] to \[n, s, `outputs`\], modulated by SiLU of the condition \[n, d\].
    pub(super) fn forward<T: Element>(&self, ctx: &Ctx<T>, x: Var<T>, condition: Var<T>) -> Result<Var<T>> {
        let [shift, scale] = self.modulation.forward(ctx, condition)?;
        modulated(ctx, &self.linear, x, [shift, scale])
    }
}
