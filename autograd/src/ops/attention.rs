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

/// Self-attention of tokens, from their queries, keys and values in one tensor.
struct TokenAttention {
    heads: usize,
    scale: f64,
}

impl<T: Element> Op<T, 1> for TokenAttention {
    const NAME: &'static str = "token_attention";
    /// The operand, the result, and the logarithm of each softmax's denominator.
    type Saved = [Tensor<T>; 3];

    fn forward(&self, [qkv]: [Tensor<T>; 1], _: [bool; 1]) -> Result<(Tensor<T>, Self::Saved)> {
        let (out, log_sum_exp) = ops::token_attention(&qkv, self.heads, self.scale)?;
        Ok((out.clone(), [qkv, out, log_sum_exp]))
    }

    fn backward(self, [qkv, out, lse]: Self::Saved, dy: Tensor<T>, dx: &mut Sink<'_, T>) -> Result<()> {
        dx.add(0, ops::token_attention_backward(&qkv, &out, &lse, self.heads, self.scale, &dy)?)
    }
}

/// Scaled dot-product self-attention (Vaswani et al. 2017, eq. 1) of tokens \[n, s, 3 w\], each of which has the queries of all
/// heads, then their keys, then their values: \[n, s, w\].
///
/// # Errors
/// A width that is not three times a multiple of `heads`.
pub fn token_attention<T: Element>(qkv: Var<T>, heads: usize, scale: f64) -> Result<Var<T>> {
    TokenAttention { heads, scale }.apply([qkv])
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

        #[test]
        fn tokens((n, s, heads, d) in (1usize..4, 1usize..6, 1usize..4, 1usize..4), seed in any::<u64>()) {
            let qkv = values(&[n, s, 3 * heads * d], seed);
            assert_gradients(&[qkv], |[qkv]| token_attention(qkv, heads, 0.7));
        }
    }
}
