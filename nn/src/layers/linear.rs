use crate::{Builder, Ctx, Init, Layer, ParamId};
use tweedie_autograd::ops::Transposed;
use tweedie_autograd::{Result, Var};
use tweedie_tensor::{Element, Tensor, ops};

/// y = x Wᵀ + b for x \[.., `inputs`\], W \[`outputs`, `inputs`\], b \[`outputs`\].
#[derive(Debug, Clone)]
pub struct Linear {
    pub(super) weight: ParamId,
    pub(super) bias: Option<ParamId>,
}

impl Linear {
    /// Registers `weight` and `bias`, both U(±1/√`inputs`).
    pub fn new(b: &Builder, inputs: usize, outputs: usize) -> Linear {
        Linear::with_init(b, inputs, outputs, Init::FanIn(inputs))
    }

    /// As [`Linear::new`], without `bias`.
    pub fn without_bias(b: &Builder, inputs: usize, outputs: usize) -> Linear {
        let weight = b.param("weight", [outputs, inputs], Init::FanIn(inputs));
        Linear { weight, bias: None }
    }

    /// As [`Linear::new`], with zeros as initial values.
    pub fn zeros(b: &Builder, inputs: usize, outputs: usize) -> Linear {
        Linear::with_init(b, inputs, outputs, Init::Zeros)
    }

    fn with_init(b: &Builder, inputs: usize, outputs: usize, init: Init) -> Linear {
        let weight = b.param("weight", [outputs, inputs], init);
        Linear { weight, bias: Some(b.param("bias", [outputs], init)) }
    }

    /// The layer on tokens \[n, s, `inputs`\] with a channels-first result: W xᵀ + b, \[n, `outputs`, s\].
    pub(crate) fn channels_first<T: Element>(&self, ctx: &Ctx<T>, x: Var<T>) -> Result<Var<T>> {
        let y = ctx.param(self.weight).matmul_with(x, Transposed::Right, ctx.precision())?;
        let y = match self.bias {
            Some(bias) => {
                let bias = ctx.param(bias);
                let outputs = bias.dims()[0];
                y.add(bias.reshape([outputs, 1])?)?
            }
            None => y,
        };
        Ok(ctx.watch(self.weight, y))
    }

    /// The layer on (1 + scale) · norm(x) + shift, for tokens x \[n, s, `inputs`\], and shift and scale \[n, 1, `inputs`\].
    pub(crate) fn after_modulation<T: Element>(
        &self,
        ctx: &Ctx<T>,
        x: Var<T>,
        by: [Var<T>; 2],
        eps: f64,
    ) -> Result<Var<T>> {
        let [weight, bias] = self.weight_and_bias(ctx);
        Ok(ctx.watch(self.weight, x.modulated_linear(by, eps, weight, bias, ctx.precision())?))
    }

    /// The layer on GELU of x \[.., `inputs`\] in its tanh form.
    pub(crate) fn after_gelu<T: Element>(&self, ctx: &Ctx<T>, x: Var<T>) -> Result<Var<T>> {
        let [weight, bias] = self.weight_and_bias(ctx);
        Ok(ctx.watch(self.weight, x.gelu_linear(weight, bias, ctx.precision())?))
    }

    /// W and b; zeros for a layer without `bias`.
    fn weight_and_bias<T: Element>(&self, ctx: &Ctx<T>) -> [Var<T>; 2] {
        let weight = ctx.param(self.weight);
        let outputs = weight.dims()[0];
        let bias = match self.bias {
            Some(bias) => ctx.param(bias),
            None => Var::constant(Tensor::zeros([outputs])),
        };
        [weight, bias]
    }

    /// The layer on channels-first x \[n, `inputs`, s\] with tokens as its result: xᵀ Wᵀ + b, \[n, s, `outputs`\].
    pub(crate) fn channels_last<T: Element>(&self, ctx: &Ctx<T>, x: Var<T>) -> Result<Var<T>> {
        let y = x.matmul_with(ctx.param(self.weight), Transposed::Both, ctx.precision())?;
        let y = match self.bias {
            Some(bias) => y.add(ctx.param(bias))?,
            None => y,
        };
        Ok(ctx.watch(self.weight, y))
    }

    /// The layer at every pixel of a channels-first picture \[n, `inputs`, h, w\].
    pub(super) fn per_place<T: Element>(&self, ctx: &Ctx<T>, x: Var<T>) -> Result<Var<T>> {
        let weight = ctx.param(self.weight);
        let [outputs, inputs] = weight.shape().exactly("linear at every place", "must be [out, in]")?;
        // A 1×1 convolution: channels-first pictures need no transposition.
        let weight = weight.reshape([outputs, inputs, 1, 1])?;
        let geometry = ops::Conv2dOptions { stride: 1, padding: ops::Padding::default() };
        let y = x.conv2d(weight, self.bias.map(|id| ctx.param(id)), geometry)?;
        Ok(ctx.watch(self.weight, y))
    }
}

impl Layer for Linear {
    fn forward<T: Element>(&self, ctx: &Ctx<T>, x: Var<T>) -> Result<Var<T>> {
        let weight = ctx.param(self.weight);
        let y = match self.bias {
            Some(bias) => x.linear(weight, ctx.param(bias), ctx.precision())?,
            None => x.matmul_with(weight, Transposed::Right, ctx.precision())?,
        };
        Ok(ctx.watch(self.weight, y))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tweedie_autograd::Tape;
    use tweedie_tensor::Precision;
    use tweedie_tensor::check::values;

    #[test]
    fn rows_of_weights_make_outputs() {
        let b = Builder::new();
        let layer = Linear::new(&b, 3, 2);
        let mut params = b.draw(0).cast::<f64>();
        params.get_mut(layer.weight).as_mut_slice().copy_from_slice(&[1.0, 2.0, 3.0, -1.0, 0.5, 0.0]);
        params.get_mut(ParamId(1)).as_mut_slice().copy_from_slice(&[10.0, 20.0]);
        let ctx = Ctx::inference(&params);
        let rows = Tensor::from_slice([2, 3], &[1.0, 1.0, 1.0, 2.0, 0.0, 1.0]).unwrap();
        let y = layer.forward(&ctx, Var::constant(rows)).unwrap();
        assert_eq!(y.value().as_slice(), [16.0, 19.5, 15.0, 18.0]);
        // The same three channels as a picture of two places: [1, 3, 1, 2].
        let places = Tensor::from_slice([1, 3, 1, 2], &[1.0, 2.0, 1.0, 0.0, 1.0, 1.0]).unwrap();
        let y = layer.per_place(&ctx, Var::constant(places)).unwrap();
        assert_eq!(y.value().as_slice(), [16.0, 15.0, 19.5, 18.0]);
        // And as two tokens, to channels first and back.
        let tokens = Tensor::from_slice([1, 2, 3], &[1.0, 1.0, 1.0, 2.0, 0.0, 1.0]).unwrap();
        let y = layer.channels_first(&ctx, Var::constant(tokens)).unwrap();
        assert_eq!((y.dims(), y.value().as_slice()), (&[1, 2, 2][..], &[16.0, 15.0, 19.5, 18.0][..]));
        let channels = Tensor::from_slice([1, 3, 2], &[1.0, 2.0, 1.0, 0.0, 1.0, 1.0]).unwrap();
        let y = layer.channels_last(&ctx, Var::constant(channels)).unwrap();
        assert_eq!((y.dims(), y.value().as_slice()), (&[1, 2, 2][..], &[16.0, 19.5, 15.0, 18.0][..]));
    }

    /// A number for x among the parameters.
    const INPUT: ParamId = ParamId(1);

    /// The output, and the gradients of x and of the weights for the output's gradient `dy`.
    fn passes<T: Element>(
        precision: Precision,
        channels: bool,
        [w, x, dy]: &[Tensor<f64>; 3],
    ) -> [Tensor<f64>; 3] {
        let b = Builder::new();
        let layer = Linear::without_bias(&b, w.dims()[1], w.dims()[0]);
        let mut params = b.draw(0).cast::<T>();
        *params.get_mut(layer.weight) = w.cast();
        let tape = Tape::new();
        let ctx = Ctx::training(&params, &tape).with_precision(precision);
        let x = tape.param(INPUT, &x.cast::<T>());
        let y = match channels {
            true => layer.channels_last(&ctx, x),
            false => layer.forward(&ctx, x),
        };
        let y = y.unwrap();
        let value = y.value().cast();
        let gradients = y.vjp(dy.cast()).unwrap();
        [value, gradients.param(INPUT).unwrap().cast(), gradients.param(layer.weight).unwrap().cast()]
    }

    /// Each factor is rounded by at most 2⁻⁹ of it, so a sum of products by at most 2⁻⁸ of the sum of their magnitudes, and a
    /// little more.
    #[test]
    fn products_in_bf16_and_their_gradients_are_near_those_of_f64() {
        let (n, s, inputs, outputs) = (3, 7, 37, 21);
        for channels in [false, true] {
            let x = if channels { [n, inputs, s] } else { [n, s, inputs] };
            let operands: [Tensor<f64>; 3] =
                [values([outputs, inputs], 1), values(x, 2), values([n, s, outputs], 3)];
            let mut magnitudes = operands.clone();
            magnitudes.iter_mut().flat_map(Tensor::as_mut_slice).for_each(|x| *x = x.abs());
            let most = passes::<f64>(Precision::F32, channels, &magnitudes);
            let exact = passes::<f64>(Precision::Bf16, channels, &operands);
            let single = passes::<f32>(Precision::F32, channels, &operands);
            let half = passes::<f32>(Precision::Bf16, channels, &operands);
            for i in 0..3 {
                let mut differ = 0;
                for (at, exact) in exact[i].as_slice().iter().enumerate() {
                    let [half, single, most] = [&half, &single, &most].map(|x| x[i].as_slice()[at]);
                    assert!((half - exact).abs() <= 1.01 / 256.0 * most, "{half} for {exact}");
                    differ += usize::from(half != single);
                }
                assert!(10 * differ > 9 * exact[i].numel(), "product {i} is not in bf16");
            }
        }
    }
}
