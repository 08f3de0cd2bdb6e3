use crate::{Op, Result, Sink, Var};
use tweedie_tensor::{Element, Tensor, ops};

/// y = x + gate · h.
struct GatedSum;

impl<T: Element> Op<T, 3> for GatedSum {
    const NAME: &'static str = "gated_sum";
    /// h and the gate.
    type Saved = [Tensor<T>; 2];

    fn forward(&self, [x, h, gate]: [Tensor<T>; 3], _: [bool; 3]) -> Result<(Tensor<T>, Self::Saved)> {
        Ok((ops::gated_sum(x, &h, &gate)?, [h, gate]))
    }

    fn backward(self, [h, gate]: Self::Saved, dy: Tensor<T>, dx: &mut Sink<'_, T>) -> Result<()> {
        let (dh, dgate) = ops::gated_sum_backward(&h, &gate, &dy)?;
        dx.add(0, dy)?;
        dx.add(1, dh)?;
        dx.add(2, dgate)
    }
}

impl<T: Element> Var<T> {
    /// x + gate · h for tokens x and h \[n, s, d\] and a gate \[n, 1, d\] of each sample, with one rounding.
    ///
    /// # Errors
    /// Shapes that do not fit.
    pub fn gated_sum(self, h: Var<T>, gate: Var<T>) -> Result<Var<T>> {
        GatedSum.apply([self, h, gate])
    }
}

#[cfg(test)]
mod tests {
    use crate::check::{assert_gradients, values};
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]
        #[test]
        fn branches_with_gates((n, s, d) in (1usize..4, 1usize..4, 1usize..6), seed in any::<u64>()) {
            let inputs = [values(&[n, s, d], seed), values(&[n, s, d], seed ^ 1), values(&[n, 1, d], seed ^ 2)];
            assert_gradients(&inputs, |[x, h, gate]| x.gated_sum(h, gate));
        }
    }
}
