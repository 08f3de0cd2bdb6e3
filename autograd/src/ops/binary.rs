use crate::{Op, Result, Sink, Var};
use tweedie_tensor::ops::{self, Binary};
use tweedie_tensor::{Element, Tensor};

/// y = a ∘ b, number by number, axes of length 1 stretching to the other's length.
impl<T: Element> Op<T, 2> for Binary {
    const NAME: &'static str = "binary";

    fn name(&self) -> &'static str {
        Binary::name(*self)
    }

    /// Each operand, where the other's gradient reads it.
    type Saved = [Option<Tensor<T>>; 2];

    fn forward(&self, [a, b]: [Tensor<T>; 2], needs: [bool; 2]) -> Result<(Tensor<T>, Self::Saved)> {
        let keep = match self {
            Binary::Add | Binary::Sub => [false, false],
            Binary::Mul => [needs[1], needs[0]],
            Binary::Div => [needs[1], needs[0] || needs[1]],
        };
        let saved = [keep[0].then(|| a.clone()), keep[1].then(|| b.clone())];
        Ok((ops::binary(a, b, *self)?, saved))
    }

    fn backward(self, [a, b]: Self::Saved, dy: Tensor<T>, dx: &mut Sink<'_, T>) -> Result<()> {
        let (da, db) = match (self, a, b) {
            (Binary::Mul, a, b) => {
                let da = b.map(|b| ops::binary(dy.clone(), b, Binary::Mul)).transpose()?;
                let db = a.map(|a| ops::binary(dy, a, Binary::Mul)).transpose()?;
                (da, db)
            }
            // d(a/b) = da / b − (a/b) db / b
            (Binary::Div, a, Some(b)) => {
                let da = ops::binary(dy, b.clone(), Binary::Div)?;
                let db = match a {
                    Some(a) => {
                        let ratio = ops::binary(a, b, Binary::Div)?;
                        Some(ops::affine(ops::binary(da.clone(), ratio, Binary::Mul)?, -1.0, 0.0))
                    }
                    None => None,
                };
                (Some(da), db)
            }
            (Binary::Sub, ..) if dx.wants(1) => (Some(dy.clone()), Some(ops::affine(dy, -1.0, 0.0))),
            _ => (Some(dy.clone()), Some(dy)),
        };
        for (i, gradient) in [da, db].into_iter().enumerate() {
            // The adjoint of stretching an axis is summing over it.
            if let (Some(gradient), Some(shape)) = (gradient, dx.shape(i)) {
                let gradient =
                    if *gradient.shape() == shape { gradient } else { ops::sum_to(&gradient, &shape)? };
                dx.add(i, gradient)?;
            }
        }
        Ok(())
    }
}

/// Arithmetic, with NumPy's broadcasting: axes aligned at the end must be equal or 1.
impl<T: Element> Var<T> {
    /// self + other.
    ///
    /// # Errors
    /// Shapes that do not broadcast.
    #[allow(clippy::should_implement_trait)]
    pub fn add(self, other: Var<T>) -> Result<Var<T>> {
        Binary::Add.apply([self, other])
    }

    /// self − other.
    ///
    /// # Errors
    /// Shapes that do not broadcast.
    #[allow(clippy::should_implement_trait)]
    pub fn sub(self, other: Var<T>) -> Result<Var<T>> {
        Binary::Sub.apply([self, other])
    }

    /// self · other.
    ///
    /// # Errors
    /// Shapes that do not broadcast.
    #[allow(clippy::should_implement_trait)]
    pub fn mul(self, other: Var<T>) -> Result<Var<T>> {
        Binary::Mul.apply([self, other])
    }

    /// self / other.
    ///
    /// # Errors
    /// Shapes that do not broadcast.
    #[allow(clippy::should_implement_trait)]
    pub fn div(self, other: Var<T>) -> Result<Var<T>> {
        Binary::Div.apply([self, other])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::{assert_gradients, values};
    use proptest::prelude::*;

    /// Two shapes that broadcast: a common one, with axes of each set to 1 or cut off at the front.
    fn shapes() -> impl Strategy<Value = (Vec<usize>, Vec<usize>)> {
        let axis = (1usize..4, any::<bool>(), any::<bool>());
        (proptest::collection::vec(axis, 0..4), 0usize..4, any::<bool>()).prop_map(|(axes, cut, which)| {
            let side = |one: fn(&(usize, bool, bool)) -> bool| -> Vec<usize> {
                axes.iter().map(|axis| if one(axis) { 1 } else { axis.0 }).collect()
            };
            let (mut a, mut b) = (side(|axis| axis.1), side(|axis| axis.2 && !axis.1));
            let cut = cut.min(axes.len());
            if which {
                a.drain(..cut)
            } else {
                b.drain(..cut)
            };
            (a, b)
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(96))]
        #[test]
        fn every_operation_broadcasts((a, b) in shapes(), which in 0usize..4, seed in any::<u64>()) {
            let f = [Binary::Add, Binary::Sub, Binary::Mul, Binary::Div][which];
            let a = values(&a[..], seed);
            let mut b = values(&b[..], seed ^ 1);
            for v in b.as_mut_slice() {
                *v += 0.5 * v.signum();
            }
            assert_gradients(&[a, b], |[a, b]| f.apply([a, b]));
        }
    }

    #[test]
    fn one_variable_as_both_operands() {
        let x = values(&[3], 7);
        assert_gradients(std::array::from_ref(&x), |[x]| x.clone().mul(x));
        assert_gradients(&[x], |[x]| x.clone().sub(x.scale(3.0)?));
    }
}
