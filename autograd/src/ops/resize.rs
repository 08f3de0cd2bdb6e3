use crate::{Op, Result, Sink, Var};
use tweedie_tensor::{Element, Shape, Tensor, ops};

/// Each pixel repeated `factor` times along both axes.
struct UpsampleNearest {
    factor: usize,
}

impl<T: Element> Op<T, 1> for UpsampleNearest {
    const NAME: &'static str = "upsample_nearest";
    type Saved = ();

    fn forward(&self, [x]: [Tensor<T>; 1], _: [bool; 1]) -> Result<(Tensor<T>, ())> {
        Ok((ops::upsample_nearest(&x, self.factor)?, ()))
    }

    fn backward(self, (): (), dy: Tensor<T>, dx: &mut Sink<'_, T>) -> Result<()> {
        dx.add(0, ops::upsample_nearest_backward(&dy, self.factor)?)
    }
}

/// Means over windows.
struct AvgPool2d {
    kernel: usize,
    stride: usize,
}

impl<T: Element> Op<T, 1> for AvgPool2d {
    const NAME: &'static str = "avg_pool2d";
    type Saved = Shape;

    fn forward(&self, [x]: [Tensor<T>; 1], _: [bool; 1]) -> Result<(Tensor<T>, Shape)> {
        let shape = *x.shape();
        Ok((ops::avg_pool2d(&x, self.kernel, self.stride)?, shape))
    }

    fn backward(self, shape: Shape, dy: Tensor<T>, dx: &mut Sink<'_, T>) -> Result<()> {
        dx.add(0, ops::avg_pool2d_backward(&dy, &shape, self.kernel, self.stride)?)
    }
}

/// Changes of a picture's size.
impl<T: Element> Var<T> {
    /// Nearest-neighbour up-sampling of \[n, c, h, w\] by a whole factor.
    ///
    /// # Errors
    /// Not four axes, or a factor of 0.
    pub fn upsample_nearest(self, factor: usize) -> Result<Var<T>> {
        UpsampleNearest { factor }.apply([self])
    }

    /// Means of square windows of \[n, c, h, w\].
    ///
    /// # Errors
    /// Not four axes, a window larger than the picture, or a stride of 0.
    pub fn avg_pool2d(self, kernel: usize, stride: usize) -> Result<Var<T>> {
        AvgPool2d { kernel, stride }.apply([self])
    }
}

#[cfg(test)]
mod tests {
    use crate::check::{assert_gradients, values};
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn up_and_down((c, h, w) in (1usize..3, 3usize..6, 3usize..6), k in 1usize..4, seed in any::<u64>()) {
            let x = [values(&[2, c, h, w], seed)];
            assert_gradients(&x, |[x]| x.upsample_nearest(k));
            assert_gradients(&x, |[x]| x.avg_pool2d(k, k));
            assert_gradients(&x, |[x]| x.avg_pool2d(3, k));
        }
    }
}
