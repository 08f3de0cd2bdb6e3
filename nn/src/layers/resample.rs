use super::Conv2d;
use super::conv2d::around;
use crate::{Builder, Ctx, Layer};
use tweedie_autograd::{Result, Var};
use tweedie_tensor::{Element, ops};

/// Halves height and width with a 3×3 convolution of stride 2.
#[derive(Debug, Clone)]
pub struct Downsample {
    conv: Conv2d,
}

impl Downsample {
    /// Registers `conv`. A `padding` of 0 pads one row below and one column to the right, as the code of Ho et al. 2020
    /// does; any other is the padding of all four sides.
    pub fn new(b: &Builder, channels: usize, padding: usize) -> Downsample {
        let padding = match padding {
            0 => ops::Padding { top: 0, bottom: 1, left: 0, right: 1 },
            p => around(p),
        };
        let geometry = ops::Conv2dOptions { stride: 2, padding };
        Downsample { conv: Conv2d::new(&b.pp("conv"), channels, channels, 3, geometry) }
    }
}

impl Layer for Downsample {
    fn forward<T: Element>(&self, ctx: &Ctx<T>, x: Var<T>) -> Result<Var<T>> {
        self.conv.forward(ctx, x)
    }
}

/// Halves height and width by 2×2 average pooling.
#[derive(Debug, Clone, Copy)]
pub struct AvgPool;

impl Layer for AvgPool {
    fn forward<T: Element>(&self, _: &Ctx<T>, x: Var<T>) -> Result<Var<T>> {
        x.avg_pool2d(2, 2)
    }
}

/// Doubles height and width by nearest-neighbour upsampling, then a 3×3 convolution.
#[derive(Debug, Clone)]
pub struct Upsample {
    conv: Conv2d,
}

impl Upsample {
    /// Registers `conv`.
    pub fn new(b: &Builder, channels: usize) -> Upsample {
        Upsample { conv: Conv2d::same3(&b.pp("conv"), channels, channels) }
    }
}

impl Layer for Upsample {
    fn forward<T: Element>(&self, ctx: &Ctx<T>, x: Var<T>) -> Result<Var<T>> {
        self.conv.forward(ctx, x.upsample_nearest(2)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Params;
    use tweedie_tensor::Tensor;

    /// Parameters of one 3×3 convolution that copies the pixel at `place` of its window.
    fn picking(b: &Builder, place: usize) -> Params<f64> {
        let mut params = b.draw(0).cast::<f64>();
        params.values_mut()[0] = Tensor::from_fn([1, 1, 3, 3], |i| f64::from(u8::from(i == place)));
        params.values_mut()[1] = Tensor::zeros([1]);
        params
    }

    fn picture(side: usize) -> Var<f64> {
        Var::constant(Tensor::from_fn([1, 1, side, side], |i| i as f64))
    }

    #[test]
    fn padding_zero_means_below_and_right() {
        let b = Builder::new();
        let down = Downsample::new(&b, 1, 0);
        // The upper left pixel of each window lies inside the picture.
        let y = down.forward(&Ctx::inference(&picking(&b, 0)), picture(4)).unwrap();
        assert_eq!(y.value().as_slice(), [0.0, 2.0, 8.0, 10.0]);
        // The lower right one is padding in the last row and column.
        let y = down.forward(&Ctx::inference(&picking(&b, 8)), picture(4)).unwrap();
        assert_eq!(y.value().as_slice(), [10.0, 0.0, 0.0, 0.0]);
    }

    #[test]
    fn padding_one_means_all_around() {
        let b = Builder::new();
        let down = Downsample::new(&b, 1, 1);
        let y = down.forward(&Ctx::inference(&picking(&b, 4)), picture(4)).unwrap();
        assert_eq!(y.value().as_slice(), [0.0, 2.0, 8.0, 10.0]);
        let y = down.forward(&Ctx::inference(&picking(&b, 0)), picture(4)).unwrap();
        assert_eq!(y.value().as_slice(), [0.0, 0.0, 0.0, 5.0]);
    }

    #[test]
    fn pool_and_repetition() {
        let b = Builder::new();
        let up = Upsample::new(&b, 1);
        let ctx = Ctx::inference(&picking(&b, 4));
        let y = up.forward(&ctx, picture(2)).unwrap();
        let row = |a, b| [a, a, b, b];
        let expected = [row(0.0, 1.0), row(0.0, 1.0), row(2.0, 3.0), row(2.0, 3.0)].concat();
        assert_eq!(y.value().as_slice(), expected);
        assert_eq!(AvgPool.forward(&ctx, y).unwrap().value().as_slice(), [0.0, 1.0, 2.0, 3.0]);
    }
}
