use crate::{Op, Result, Sink, Var};
use tweedie_tensor::ops::{self, KeepDim};
use tweedie_tensor::{Element, Shape, Tensor};

/// The sum of everything, or its mean.
struct Sum {
    mean: bool,
}

impl<T: Element> Op<T, 1> for Sum {
    const NAME: &'static str = "sum";
    type Saved = Shape;

    fn forward(&self, [x]: [Tensor<T>; 1], _: [bool; 1]) -> Result<(Tensor<T>, Shape)> {
        let y = if self.mean { ops::mean(&x) } else { ops::sum(&x) };
        Ok((y, *x.shape()))
    }

    fn backward(self, shape: Shape, dy: Tensor<T>, dx: &mut Sink<'_, T>) -> Result<()> {
        let share = if self.mean { dy.item()?.to_f64() / shape.numel() as f64 } else { dy.item()?.to_f64() };
        dx.add(0, Tensor::full(shape, T::from_f64(share)))
    }
}

/// The sum along one axis.
struct SumAxis {
    axis: usize,
    keep: KeepDim,
}

impl<T: Element> Op<T, 1> for SumAxis {
    const NAME: &'static str = "sum_axis";
    type Saved = Shape;

    fn forward(&self, [x]: [Tensor<T>; 1], _: [bool; 1]) -> Result<(Tensor<T>, Shape)> {
        Ok((ops::sum_axis(&x, self.axis, self.keep)?, *x.shape()))
    }

    // The adjoint of a sum along an axis is a copy to every place along it.
    fn backward(self, shape: Shape, dy: Tensor<T>, dx: &mut Sink<'_, T>) -> Result<()> {
        let mut kept = shape.dims().to_vec();
        kept[self.axis] = 1;
        let dy = dy.reshape(Shape::new(&kept)?)?;
        dx.add(0, ops::broadcast_to(&dy, &shape)?)
    }
}

/// Sums and means.
impl<T: Element> Var<T> {
    /// The sum of all numbers: one number, no axes.
    ///
    /// # Errors
    /// [`crate::Error::Spent`].
    pub fn sum(self) -> Result<Var<T>> {
        Sum { mean: false }.apply([self])
    }

    /// The mean of all numbers: one number, no axes.
    ///
    /// # Errors
    /// [`crate::Error::Spent`].
    pub fn mean(self) -> Result<Var<T>> {
        Sum { mean: true }.apply([self])
    }

    /// The sum along an axis, which the result does not have.
    ///
    /// # Errors
    /// An axis that is not there.
    pub fn sum_axis(self, axis: usize) -> Result<Var<T>> {
        SumAxis { axis, keep: KeepDim::No }.apply([self])
    }

    /// The sum along an axis, which stays with length 1, so that the result broadcasts against this variable.
    ///
    /// # Errors
    /// An axis that is not there.
    pub fn sum_axis_keepdim(self, axis: usize) -> Result<Var<T>> {
        SumAxis { axis, keep: KeepDim::Yes }.apply([self])
    }
}

#[cfg(test)]
mod tests {
    use crate::check::{assert_gradients, values};
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn all_and_along_an_axis(
            dims in proptest::collection::vec(1usize..5, 1..4),
            axis in 0usize..3,
            seed in any::<u64>(),
        ) {
            let x = [values(&dims[..], seed)];
            let axis = axis % dims.len();
            assert_gradients(&x, |[x]| x.sum());
            assert_gradients(&x, |[x]| x.mean());
            assert_gradients(&x, |[x]| x.sum_axis(axis));
            assert_gradients(&x, |[x]| x.sum_axis_keepdim(axis));
        }
    }
}
