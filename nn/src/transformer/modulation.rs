use crate::layers::Linear;
use crate::{Builder, Ctx, Layer};
use tweedie_autograd::{Result, Var};
use tweedie_tensor::Element;

/// The ε of the normalisations.
const EPS: f64 = 1e-6;

/// adaLN-zero (Peebles and Xie 2023, section 3.2): shifts, scales and gates of a block, a linear map of the condition. The
/// map is initially zero, so every gated branch is 0 and the block the identity.
#[derive(Debug, Clone)]
pub(super) struct Modulation {
    linear: Linear,
    width: usize,
}

impl Modulation {
    /// Registers `1.weight` and `1.bias` (in the original, number 0 is the SiLU), for `parts` rows of `width`.
    pub(super) fn new(b: &Builder, width: usize, parts: usize) -> Modulation {
        Modulation { linear: Linear::zeros(&b.pp(1), width, parts * width), width }
    }

    /// The `P` rows for each sample, \[n, 1, `width`\], from SiLU of the condition \[n, `width`\].
    pub(super) fn forward<T: Element, const P: usize>(
        &self,
        ctx: &Ctx<T>,
        condition: Var<T>,
    ) -> Result<[Var<T>; P]> {
        let n = condition.dims()[0];
        let rows = self.linear.forward(ctx, condition)?.reshape([n, P, self.width])?;
        let parts: Vec<Var<T>> = (0..P).map(|i| rows.clone().narrow(1, i, 1)).collect::<Result<_>>()?;
        parts.try_into().map_err(|_| tweedie_autograd::Error::NoOperand { op: "modulation" })
    }
}

/// `linear` of (1 + scale) · norm x + shift, for tokens x \[n, s, d\] normalised over d without an affine map.
pub(super) fn modulated<T: Element>(
    ctx: &Ctx<T>,
    linear: &Linear,
    x: Var<T>,
    [shift, scale]: [Var<T>; 2],
) -> Result<Var<T>> {
    linear.after_modulation(ctx, x, [shift, scale], EPS)
}
