use crate::{Builder, Ctx, Init, Layer, ParamId};
use tweedie_autograd::{Result, Var};
use tweedie_tensor::Element;

/// Layer normalisation (Ba, Kiros, Hinton 2016) over the last axis, of length `width`.
#[derive(Debug, Clone)]
pub struct LayerNorm {
    weight: ParamId,
    bias: ParamId,
    eps: f64,
}

impl LayerNorm {
    /// Registers `weight`, ones, and `bias`, zeros. `eps` is added to the variance.
    pub fn new(b: &Builder, width: usize, eps: f64) -> LayerNorm {
        let weight = b.param("weight", [width], Init::Ones);
        LayerNorm { weight, bias: b.param("bias", [width], Init::Zeros), eps }
    }
}

impl Layer for LayerNorm {
    fn forward<T: Element>(&self, ctx: &Ctx<T>, x: Var<T>) -> Result<Var<T>> {
        x.layer_norm(ctx.param(self.weight), ctx.param(self.bias), self.eps)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tweedie_tensor::Tensor;

    #[test]
    fn rows_are_normalised_then_scaled_and_moved() {
        let b = Builder::new();
        let norm = LayerNorm::new(&b, 4, 0.25);
        let mut params = b.draw(0).cast::<f64>();
        params.get_mut(norm.weight).as_mut_slice().copy_from_slice(&[1.0, 2.0, 3.0, 4.0]);
        params.get_mut(norm.bias).as_mut_slice()[2] = 5.0;
        let x = Tensor::from_slice([1, 4], &[1.0, -1.0, 1.0, -1.0]).unwrap();
        let y = norm.forward(&Ctx::inference(&params), Var::constant(x)).unwrap();
        let s = 1.0 / 1.25f64.sqrt();
        for (got, expected) in y.value().as_slice().iter().zip([s, -2.0 * s, 3.0 * s + 5.0, -4.0 * s]) {
            assert!((got - expected).abs() < 1e-12);
        }
    }
}
