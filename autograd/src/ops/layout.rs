use crate::{Op, Result, Sink, Var};
use tweedie_tensor::ops::{self, Padding};
use tweedie_tensor::{Element, Error, Shape, Tensor};

/// The same numbers under another shape.
struct Reshape {
    shape: Shape,
}

impl<T: Element> Op<T, 1> for Reshape {
    const NAME: &'static str = "reshape";
    type Saved = Shape;

    fn forward(&self, [x]: [Tensor<T>; 1], _: [bool; 1]) -> Result<(Tensor<T>, Shape)> {
        Ok((x.reshape(self.shape)?, *x.shape()))
    }

    fn backward(self, shape: Shape, dy: Tensor<T>, dx: &mut Sink<'_, T>) -> Result<()> {
        dx.add(0, dy.reshape(shape)?)
    }
}

/// Axes in another order.
struct Permute {
    axes: Vec<usize>,
}

impl<T: Element> Op<T, 1> for Permute {
    const NAME: &'static str = "permute";
    type Saved = ();

    fn forward(&self, [x]: [Tensor<T>; 1], _: [bool; 1]) -> Result<(Tensor<T>, ())> {
        Ok((ops::permute(&x, &self.axes)?, ()))
    }

    fn backward(self, (): (), dy: Tensor<T>, dx: &mut Sink<'_, T>) -> Result<()> {
        dx.add(0, ops::permute(&dy, &ops::inverse_permutation(&self.axes))?)
    }
}

/// A stretch of one axis.
struct Narrow {
    axis: usize,
    start: usize,
    len: usize,
}

impl<T: Element> Op<T, 1> for Narrow {
    const NAME: &'static str = "narrow";
    type Saved = ();

    fn forward(&self, [x]: [Tensor<T>; 1], _: [bool; 1]) -> Result<(Tensor<T>, ())> {
        Ok((ops::narrow(&x, self.axis, self.start, self.len)?, ()))
    }

    fn backward(self, (): (), dy: Tensor<T>, dx: &mut Sink<'_, T>) -> Result<()> {
        dx.write(0, |out, how| ops::narrow_backward(&dy, self.axis, self.start, out, how))
    }
}

/// Tensors one after another along an axis.
struct Concat {
    axis: usize,
}

impl<T: Element, const N: usize> Op<T, N> for Concat {
    const NAME: &'static str = "concat";
    type Saved = [usize; N];

    fn forward(&self, x: [Tensor<T>; N], _: [bool; N]) -> Result<(Tensor<T>, Self::Saved)> {
        let y = ops::concat(&x.each_ref(), self.axis)?;
        let sizes = x.each_ref().map(|x| x.dims()[self.axis]);
        Ok((y, sizes))
    }

    fn backward(self, sizes: Self::Saved, dy: Tensor<T>, dx: &mut Sink<'_, T>) -> Result<()> {
        for (i, part) in ops::split(&dy, self.axis, &sizes)?.into_iter().enumerate() {
            dx.add(i, part)?;
        }
        Ok(())
    }
}

/// Zeros around pictures.
struct Pad2d {
    padding: Padding,
}

impl<T: Element> Op<T, 1> for Pad2d {
    const NAME: &'static str = "pad2d";
    type Saved = ();

    fn forward(&self, [x]: [Tensor<T>; 1], _: [bool; 1]) -> Result<(Tensor<T>, ())> {
        Ok((ops::pad2d(&x, self.padding)?, ()))
    }

    fn backward(self, (): (), dy: Tensor<T>, dx: &mut Sink<'_, T>) -> Result<()> {
        dx.add(0, ops::crop2d(&dy, self.padding)?)
    }
}

/// Joins variables along an axis.
///
/// # Errors
/// No variables, an axis that is not there, or other axes that differ.
pub fn concat<T: Element, const N: usize>(parts: [Var<T>; N], axis: usize) -> Result<Var<T>> {
    Concat { axis }.apply(parts)
}

/// Changes of shape and order.
impl<T: Element> Var<T> {
    /// The same numbers under another shape.
    ///
    /// # Errors
    /// Another number of elements.
    pub fn reshape(self, shape: impl Into<Shape>) -> Result<Var<T>> {
        Reshape { shape: shape.into() }.apply([self])
    }

    /// The axes in another order: axis i of the result is axis `axes[i]` of this.
    ///
    /// # Errors
    /// `axes` is not a permutation of the axes.
    pub fn permute(self, axes: &[usize]) -> Result<Var<T>> {
        Permute { axes: axes.to_vec() }.apply([self])
    }

    /// The last two axes exchanged.
    ///
    /// # Errors
    /// Fewer than two axes.
    pub fn t(self) -> Result<Var<T>> {
        let mut axes: Vec<usize> = (0..self.dims().len()).collect();
        let [.., rows, columns] = &mut axes[..] else {
            let why = "must have two axes to exchange".to_string();
            return Err(Error::Unfit { op: "t", shape: *self.shape(), why }.into());
        };
        std::mem::swap(rows, columns);
        self.permute(&axes)
    }

    /// The `len` places from `start` along `axis`.
    ///
    /// # Errors
    /// A stretch that is not inside the axis.
    pub fn narrow(self, axis: usize, start: usize, len: usize) -> Result<Var<T>> {
        Narrow { axis, start, len }.apply([self])
    }

    /// Pictures \[n, c, h, w\] with zeros around them.
    ///
    /// # Errors
    /// Not four axes.
    pub fn pad2d(self, padding: Padding) -> Result<Var<T>> {
        Pad2d { padding }.apply([self])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::{assert_gradients, values};
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]
        #[test]
        fn every_change_of_layout(
            (a, b, c) in (1usize..4, 2usize..5, 1usize..4),
            order in Just(vec![0usize, 1, 2]).prop_shuffle(),
            pads in (0usize..3, 0usize..3, 0usize..3, 0usize..3),
            seed in any::<u64>(),
        ) {
            let x = values(&[a, b, c], seed);
            let y = values(&[a, b + 1, c], seed ^ 1);
            assert_gradients(std::array::from_ref(&x), |[x]| x.reshape([c, a * b]));
            assert_gradients(std::array::from_ref(&x), |[x]| x.permute(&order));
            assert_gradients(std::array::from_ref(&x), |[x]| x.t());
            assert_gradients(std::array::from_ref(&x), |[x]| x.narrow(1, 1, b - 1));
            assert_gradients(&[x, y], |[x, y]| concat([x.clone(), y, x], 1));
            let (top, bottom, left, right) = pads;
            let padding = Padding { top, bottom, left, right };
            assert_gradients(&[values(&[2, a, b, c], seed)], |[x]| x.pad2d(padding));
        }
    }
}
