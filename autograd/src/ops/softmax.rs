use crate::{Op, Result, Sink, Var};
use tweedie_tensor::{Element, Tensor, ops};

/// y_i = e^(x_i) / Σ_j e^(x_j) over the last axis.
struct Softmax;

impl<T: Element> Op<T, 1> for Softmax {
    const NAME: &'static str = "softmax";
    type Saved = Option<Tensor<T>>;

    fn forward(&self, [x]: [Tensor<T>; 1], [needs]: [bool; 1]) -> Result<(Tensor<T>, Self::Saved)> {
        let y = ops::softmax(x)?;
        let saved = needs.then(|| y.clone());
        Ok((y, saved))
    }

    fn backward(self, saved: Self::Saved, dy: Tensor<T>, dx: &mut Sink<'_, T>) -> Result<()> {
        match saved {
            Some(y) => dx.add(0, ops::softmax_backward(&y, dy)?),
            None => Ok(()),
        }
    }
}

/// Softmax.
impl<T: Element> Var<T> {
    /// The softmax over the last axis.
    ///
    /// # Errors
    /// A scalar.
    pub fn softmax(self) -> Result<Var<T>> {
        Softmax.apply([self])
    }
}

#[cfg(test)]
mod tests {
    use crate::check::{assert_gradients, values};
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]
        #[test]
        fn over_the_last_axis((n, m) in (1usize..5, 1usize..8), seed in any::<u64>()) {
            assert_gradients(&[values(&[n, m], seed)], |[x]| x.softmax());
        }
    }
}
