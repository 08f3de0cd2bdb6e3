use crate::{Builder, Ctx, Init, Layer, ParamId};
use tweedie_autograd::{Result, Var, ops::conv2d_onto};
use tweedie_tensor::{Element, ops};

/// A convolution of pictures \[n, `inputs`, h, w\] with `weight` \[`outputs`, `inputs`, k, k\] and `bias`.
#[derive(Debug, Clone)]
pub struct Conv2d {
    weight: ParamId,
    bias: ParamId,
    geometry: ops::Conv2dOptions,
}

impl Conv2d {
    /// Registers `weight` and `bias`, both U(±1/√(`inputs` k²)).
    pub fn new(
        b: &Builder,
        inputs: usize,
        outputs: usize,
        kernel: usize,
        geometry: ops::Conv2dOptions,
    ) -> Conv2d {
        Conv2d::with_init(b, inputs, outputs, kernel, geometry, Init::FanIn(inputs * kernel * kernel))
    }

    /// As [`Conv2d::new`], with other initial values.
    pub fn with_init(
        b: &Builder,
        inputs: usize,
        outputs: usize,
        kernel: usize,
        geometry: ops::Conv2dOptions,
        init: Init,
    ) -> Conv2d {
        let weight = b.param("weight", [outputs, inputs, kernel, kernel], init);
        Conv2d { weight, bias: b.param("bias", [outputs], init), geometry }
    }

    /// 3×3 with a padding of 1: keeps height and width.
    pub fn same3(b: &Builder, inputs: usize, outputs: usize) -> Conv2d {
        Conv2d::new(b, inputs, outputs, 3, ops::Conv2dOptions { stride: 1, padding: around(1) })
    }

    /// 1×1: a linear map at every pixel.
    pub fn pointwise(b: &Builder, inputs: usize, outputs: usize) -> Conv2d {
        Conv2d::new(b, inputs, outputs, 1, ops::Conv2dOptions { stride: 1, padding: around(0) })
    }
}

impl Conv2d {
    /// The parameter `weight`.
    pub fn weight(&self) -> ParamId {
        self.weight
    }

    /// The convolution with `shift` \[n, `outputs`\], one number for each sample and channel, added to its bias.
    ///
    /// # Errors
    /// Inputs of the wrong shape.
    pub fn forward_shifted<T: Element>(&self, ctx: &Ctx<T>, x: Var<T>, shift: Var<T>) -> Result<Var<T>> {
        let bias = shift.add(ctx.param(self.bias))?;
        Ok(ctx.watch(self.weight, x.conv2d(ctx.param(self.weight), Some(bias), self.geometry)?))
    }

    /// The convolution added to `onto`, which has its output's shape.
    ///
    /// # Errors
    /// Inputs of the wrong shape.
    pub fn forward_onto<T: Element>(&self, ctx: &Ctx<T>, x: Var<T>, onto: Var<T>) -> Result<Var<T>> {
        let y = conv2d_onto(x, ctx.param(self.weight), ctx.param(self.bias), onto, self.geometry)?;
        Ok(ctx.watch(self.weight, y))
    }
}

/// The same padding on all four sides.
pub(super) fn around(p: usize) -> ops::Padding {
    ops::Padding { top: p, bottom: p, left: p, right: p }
}

impl Layer for Conv2d {
    fn forward<T: Element>(&self, ctx: &Ctx<T>, x: Var<T>) -> Result<Var<T>> {
        let y = x.conv2d(ctx.param(self.weight), Some(ctx.param(self.bias)), self.geometry)?;
        Ok(ctx.watch(self.weight, y))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tweedie_tensor::Tensor;

    #[test]
    fn agrees_with_the_sum_over_the_window() {
        let b = Builder::new();
        let layer = Conv2d::same3(&b, 2, 3);
        let params = b.draw(5).cast::<f64>();
        let x = Tensor::from_fn([1, 2, 4, 5], |i| ((i * 7) % 11) as f64 - 5.0);
        let y = layer.forward(&Ctx::inference(&params), Var::constant(x.clone())).unwrap();
        let (w, bias) = (params.get(ParamId(0)).as_slice(), params.get(ParamId(1)).as_slice());
        for (o, row, col) in [(0, 0, 0), (1, 2, 3), (2, 3, 4), (0, 3, 0)] {
            let mut sum = bias[o];
            for (c, ky, kx) in (0..18).map(|i| (i / 9, i / 3 % 3, i % 3)) {
                let (from_row, from_col) = (row + ky, col + kx); // counted with the border
                if (1..=4).contains(&from_row) && (1..=5).contains(&from_col) {
                    sum += w[((o * 2 + c) * 3 + ky) * 3 + kx]
                        * x.as_slice()[(c * 4 + from_row - 1) * 5 + from_col - 1];
                }
            }
            let got = y.value().as_slice()[(o * 4 + row) * 5 + col];
            assert!((got - sum).abs() < 1e-12, "{got} is not {sum} at {o}, {row}, {col}");
        }
    }
}
