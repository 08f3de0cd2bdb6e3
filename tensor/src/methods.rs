//! The functions of [`ops`] that a program writes most, as methods of a tensor.

use crate::ops::{self, Unary};
use crate::{Element, Result, Tensor};

/// Products, sums and changes of layout.
impl<T: Element> Tensor<T> {
    /// \[.., m, k\] · \[.., k, n\] → \[.., m, n\]; an operand of two axes serves every item of the other's batch.
    ///
    /// ```
    /// # use tweedie_tensor::Tensor;
    /// let a = Tensor::from([[1.0f32, 2.0], [3.0, 4.0]]);
    /// assert_eq!(a.matmul(&a.t()?)?.as_slice(), [5.0, 11.0, 11.0, 25.0]); // A Aᵀ
    /// assert_eq!((a.sum(), a.mean()), (10.0, 2.5));
    /// # Ok::<(), tweedie_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`ops::matmul`].
    pub fn matmul(&self, other: &Tensor<T>) -> Result<Tensor<T>> {
        ops::matmul(self, false, other, false)
    }

    /// The last two axes exchanged.
    ///
    /// # Errors
    /// As [`ops::transpose_last`].
    pub fn t(&self) -> Result<Tensor<T>> {
        ops::transpose_last(self)
    }

    /// The axes in another order: axis i of the result is axis `axes[i]` of this.
    ///
    /// # Errors
    /// As [`ops::permute`].
    pub fn permute(&self, axes: &[usize]) -> Result<Tensor<T>> {
        ops::permute(self, axes)
    }

    /// The `len` places from `start` along `axis`.
    ///
    /// # Errors
    /// As [`ops::narrow`].
    pub fn narrow(&self, axis: usize, start: usize, len: usize) -> Result<Tensor<T>> {
        ops::narrow(self, axis, start, len)
    }

    /// The sum of all numbers; 0 if there are none.
    pub fn sum(&self) -> T {
        only(&ops::sum(self))
    }

    /// The mean of all numbers; NaN if there are none.
    pub fn mean(&self) -> T {
        only(&ops::mean(self))
    }

    /// The sums along an axis, which goes.
    ///
    /// # Errors
    /// As [`ops::sum_axis`].
    pub fn sum_axis(&self, axis: usize) -> Result<Tensor<T>> {
        ops::sum_axis(self, axis, ops::KeepDim::No)
    }

    /// The means along an axis, which goes.
    ///
    /// # Errors
    /// As [`ops::mean_axis`].
    pub fn mean_axis(&self, axis: usize) -> Result<Tensor<T>> {
        ops::mean_axis(self, axis, ops::KeepDim::No)
    }
}

/// The number of a tensor of one; in a rehearsal, where nothing is computed, 0.
fn only<T: Element>(one: &Tensor<T>) -> T {
    one.as_slice().first().copied().unwrap_or(T::ZERO)
}

/// Methods that are one [`Unary`] each.
macro_rules! functions {
    ($($(#[$doc:meta])* $method:ident => $f:ident;)*) => {
        /// Functions of one number, applied to each.
        impl<T: Element> Tensor<T> {
            $(
                $(#[$doc])*
                pub fn $method(&self) -> Tensor<T> {
                    ops::unary(self.clone(), Unary::$f)
                }
            )*
        }
    };
}

functions! {
    /// e^x.
    exp => Exp;
    /// Natural logarithm.
    ln => Ln;
    /// √x.
    sqrt => Sqrt;
    /// x².
    square => Square;
    /// Sine.
    sin => Sin;
    /// Cosine.
    cos => Cos;
    /// Hyperbolic tangent.
    tanh => Tanh;
    /// σ(x) = 1 / (1 + e^−x).
    sigmoid => Sigmoid;
    /// max(x, 0).
    relu => Relu;
    /// |x|.
    abs => Abs;
}
