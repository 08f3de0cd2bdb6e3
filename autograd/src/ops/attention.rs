use crate::{Op, Result, Sink, Var};
use tweedie_tensor::{Element, Tensor, ops};

/// out = V · softmax(scale · Qᵀ K)ᵀ, positions along the last axis.
struct Attention {
    scale: f64,
}

impl<T: Element> Op<T, 3> for Attention {
    const NAME: &'static str = "attention";
    /// The operands, the result, and the logarithm of each softmax's denominator: the probabilities are
    /// computed again from these.
    type Saved = ([Tensor<T>; 3], Tensor<T>, Tensor<T>);

    fn forward(&self, [q, k, v]: [Tensor<T>; 3], _: [bool; 3]) -> Result<(Tensor<T>, Self::Saved)> {
        let (out, log_sum_exp) = ops::attention(&q, &k, &v, self.scale)?;
        Ok((out.clone(), ([q, k, v], out, log_sum_exp)))
    }

    fn backward(
        self,
        ([q, k, v], out, log_sum_exp): Self::Saved,
        dy: Tensor<T>,
        dx: &mut Sink<'_, T>,
    ) -> Result<()> {
        let (dq, dk, dv) = ops::attention_backward(&q, &k, &v, &out, &log_sum_exp, self.scale, &dy)?;
        dx.add(0, dq)?;
        dx.add(1, dk)?;
        dx.add(2, dv)
    }
}

/// Scaled dot-product attention (Vaswani et al. 2017, eq. 1), channels first: queries \[b, d, s\], keys and
/// values \[b, d, r\] → \[b, d, s\]. b counts samples times heads, s and r positions.
///
/// # Errors
/// Shapes that do not fit.
pub fn attention<T: Element>(q: Var<T>, k: Var<T>, v: Var<T>, scale: f64) -> Result<Var<T>> {
    Attention { scale }.apply([q, k, v])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::{assert_gradients, values};
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]
        #[test]
        fn queries_and_keys_of_any_number(
            (b, d, s, r) in (1usize..4, 1usize..5, 1usize..6, 1usize..6),
            seed in any::<u64>(),
        ) {
            let inputs = [values(&[b, d, s], seed), values(&[b, d, r], seed ^ 1), values(&[b, d, r], seed ^ 2)];
            assert_gradients(&inputs, |[q, k, v]| attention(q, k, v, 0.7));
        }
    }
}
