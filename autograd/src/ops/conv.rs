use crate::{Op, Result, Sink, Var};
use tweedie_tensor::ops::{self, Conv2dOptions};
use tweedie_tensor::{Element, Tensor};

/// Without a bias: operands x and w.
impl<T: Element> Op<T, 2> for Conv2dOptions {
    const NAME: &'static str = "conv2d";
    /// Each operand, where the other's gradient reads it.
    type Saved = [Option<Tensor<T>>; 2];

    fn forward(&self, [x, w]: [Tensor<T>; 2], needs: [bool; 2]) -> Result<(Tensor<T>, Self::Saved)> {
        let y = ops::conv2d(&x, &w, None, self)?;
        Ok((y, [needs[1].then_some(x), needs[0].then_some(w)]))
    }

    fn backward(self, saved: Self::Saved, dy: Tensor<T>, dx: &mut Sink<'_, T>) -> Result<()> {
        input_and_weight(&self, saved, &dy, dx)
    }
}

/// With a bias: operands x, w and b.
impl<T: Element> Op<T, 3> for Conv2dOptions {
    const NAME: &'static str = "conv2d";
    /// Each operand, where the other's gradient reads it.
    type Saved = [Option<Tensor<T>>; 2];

    fn forward(&self, [x, w, b]: [Tensor<T>; 3], needs: [bool; 3]) -> Result<(Tensor<T>, Self::Saved)> {
        let y = ops::conv2d(&x, &w, Some(&b), self)?;
        Ok((y, [needs[1].then_some(x), needs[0].then_some(w)]))
    }

    fn backward(self, saved: Self::Saved, dy: Tensor<T>, dx: &mut Sink<'_, T>) -> Result<()> {
        dx.write(2, |db, how| ops::conv2d_grad_bias(&dy, db, how))?;
        input_and_weight(&self, saved, &dy, dx)
    }
}

/// With a bias, and added to pictures: operands x, w, b and the pictures.
struct Conv2dOnto(Conv2dOptions);

impl<T: Element> Op<T, 4> for Conv2dOnto {
    const NAME: &'static str = "conv2d_onto";
    /// Each operand, where the other's gradient reads it.
    type Saved = [Option<Tensor<T>>; 2];

    fn forward(&self, [x, w, b, onto]: [Tensor<T>; 4], needs: [bool; 4]) -> Result<(Tensor<T>, Self::Saved)> {
        let y = ops::conv2d_onto(&x, &w, Some(&b), onto, &self.0)?;
        Ok((y, [needs[1].then_some(x), needs[0].then_some(w)]))
    }

    fn backward(self, saved: Self::Saved, dy: Tensor<T>, dx: &mut Sink<'_, T>) -> Result<()> {
        dx.write(2, |db, how| ops::conv2d_grad_bias(&dy, db, how))?;
        input_and_weight(&self.0, saved, &dy, dx)?;
        dx.add(3, dy)
    }
}

fn input_and_weight<T: Element>(
    geometry: &Conv2dOptions,
    [x, w]: [Option<Tensor<T>>; 2],
    dy: &Tensor<T>,
    dx: &mut Sink<'_, T>,
) -> Result<()> {
    if let (Some(x), Some(shape)) = (x, dx.shape(1)) {
        dx.write(1, |dw, how| ops::conv2d_grad_weight(&x, dy, &shape, geometry, dw, how))?;
    }
    if let (Some(w), Some(shape)) = (w, dx.shape(0)) {
        dx.write(0, |out, how| ops::conv2d_grad_input(dy, &w, &shape, geometry, out, how))?;
    }
    Ok(())
}

/// Convolution.
impl<T: Element> Var<T> {
    /// Cross-correlation of x \[n, ci, h, w\] with weights \[co, ci, kh, kw\], plus a bias \[co\], or \[n, co\].
    ///
    /// # Errors
    /// Shapes that do not fit, or a kernel larger than the padded picture.
    pub fn conv2d(self, weight: Var<T>, bias: Option<Var<T>>, geometry: Conv2dOptions) -> Result<Var<T>> {
        match bias {
            Some(bias) => geometry.apply([self, weight, bias]),
            None => geometry.apply([self, weight]),
        }
    }
}

/// The convolution of `x` with a bias, added to `onto`, which has its result's shape.
///
/// # Errors
/// As [`Var::conv2d`], and when `onto` has another shape.
pub fn conv2d_onto<T: Element>(
    x: Var<T>,
    weight: Var<T>,
    bias: Var<T>,
    onto: Var<T>,
    geometry: Conv2dOptions,
) -> Result<Var<T>> {
    Conv2dOnto(geometry).apply([x, weight, bias, onto])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::{assert_gradients, values};
    use proptest::prelude::*;
    use tweedie_tensor::ops::Padding;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn any_stride_and_padding(
            (n, ci, co) in (1usize..3, 1usize..4, 1usize..4),
            (h, w) in (3usize..7, 3usize..7),
            (kh, kw) in (1usize..4, 1usize..4),
            stride in 1usize..4,
            padding in (0usize..3, 0usize..3, 0usize..3, 0usize..3),
            biased in any::<bool>(),
            seed in any::<u64>(),
        ) {
            let (top, bottom, left, right) = padding;
            let geometry = Conv2dOptions { stride, padding: Padding { top, bottom, left, right } };
            let x = values(&[n, ci, h, w], seed);
            let weight = values(&[co, ci, kh, kw], seed ^ 1);
            if biased {
                let bias = if seed % 2 == 0 { values(&[co], seed ^ 2) } else { values(&[n, co], seed ^ 2) };
                let operands = [x, weight, bias];
                assert_gradients(&operands, |[x, w, b]| x.conv2d(w, Some(b), geometry));
                let [x, weight, bias] = operands;
                let y = ops::conv2d(&x, &weight, None, &geometry).unwrap();
                let onto = values(y.dims(), seed ^ 3);
                assert_gradients(&[x, weight, bias, onto], |[x, w, b, onto]| conv2d_onto(x, w, b, onto, geometry));
            } else {
                assert_gradients(&[x, weight], |[x, w]| x.conv2d(w, None, geometry));
            }
        }
    }
}
