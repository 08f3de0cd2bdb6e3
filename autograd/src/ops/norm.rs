use crate::{Op, Result, Sink, Var};
use tweedie_tensor::ops::{self, NormStats};
use tweedie_tensor::{Element, Tensor};

/// y = γ (x − μ) / √(σ² + ε) + β over groups of channels, and SiLU of that where asked for.
struct GroupNorm {
    groups: usize,
    eps: f64,
    silu: bool,
}

impl<T: Element> Op<T, 3> for GroupNorm {
    const NAME: &'static str = "group_norm";
    type Saved = (Tensor<T>, Tensor<T>, Tensor<T>, NormStats<T>);

    fn forward(&self, [x, gamma, beta]: [Tensor<T>; 3], _: [bool; 3]) -> Result<(Tensor<T>, Self::Saved)> {
        let (y, stats) = ops::group_norm(&x, self.groups, Some(&gamma), Some(&beta), self.eps, self.silu)?;
        Ok((y, (x, gamma, beta, stats)))
    }

    fn backward(
        self,
        (x, gamma, beta, stats): Self::Saved,
        dy: Tensor<T>,
        dx: &mut Sink<'_, T>,
    ) -> Result<()> {
        let onto = dx.take(0);
        let gradients = ops::group_norm_backward(&x, Some(&gamma), Some(&beta), &stats, self.silu, dy, onto)?;
        dx.add(0, gradients.dx)?;
        dx.add(1, gradients.dgamma)?;
        dx.add(2, gradients.dbeta)
    }
}

/// y = γ (x − μ) / √(σ² + ε) + β over the last axis.
struct LayerNorm {
    eps: f64,
}

impl<T: Element> Op<T, 3> for LayerNorm {
    const NAME: &'static str = "layer_norm";
    type Saved = (Tensor<T>, Tensor<T>, NormStats<T>);

    fn forward(&self, [x, gamma, beta]: [Tensor<T>; 3], _: [bool; 3]) -> Result<(Tensor<T>, Self::Saved)> {
        let (y, stats) = ops::layer_norm(&x, Some(&gamma), Some(&beta), self.eps)?;
        Ok((y, (x, gamma, stats)))
    }

    fn backward(self, (x, gamma, stats): Self::Saved, dy: Tensor<T>, dx: &mut Sink<'_, T>) -> Result<()> {
        let gradients = ops::layer_norm_backward(&x, Some(&gamma), &stats, dy)?;
        dx.add(0, gradients.dx)?;
        dx.add(1, gradients.dgamma)?;
        dx.add(2, gradients.dbeta)
    }
}

/// Normalisation.
impl<T: Element> Var<T> {
    /// Group normalisation (Wu, He 2018) of x \[n, c, …\] with γ and β \[c\].
    ///
    /// # Errors
    /// A number of groups that does not divide c.
    pub fn group_norm(self, gamma: Var<T>, beta: Var<T>, groups: usize, eps: f64) -> Result<Var<T>> {
        GroupNorm { groups, eps, silu: false }.apply([self, gamma, beta])
    }

    /// SiLU of [`Var::group_norm`], in one pass over memory.
    ///
    /// # Errors
    /// As [`Var::group_norm`].
    pub fn group_norm_silu(self, gamma: Var<T>, beta: Var<T>, groups: usize, eps: f64) -> Result<Var<T>> {
        GroupNorm { groups, eps, silu: true }.apply([self, gamma, beta])
    }

    /// Layer normalisation (Ba, Kiros, Hinton 2016) of x \[.., d\] with γ and β \[d\].
    ///
    /// # Errors
    /// Shapes that do not fit.
    pub fn layer_norm(self, gamma: Var<T>, beta: Var<T>, eps: f64) -> Result<Var<T>> {
        LayerNorm { eps }.apply([self, gamma, beta])
    }
}

#[cfg(test)]
mod tests {
    use crate::check::{assert_gradients, values};
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]
        #[test]
        fn group_norm(
            (n, groups, per_group) in (1usize..4, 1usize..4, 1usize..4),
            (h, w) in (1usize..5, 2usize..5),
            seed in any::<u64>(),
        ) {
            let c = groups * per_group;
            let inputs = [values(&[n, c, h, w], seed), values(&[c], seed ^ 1), values(&[c], seed ^ 2)];
            assert_gradients(&inputs, |[x, gamma, beta]| x.group_norm(gamma, beta, groups, 1e-2));
            assert_gradients(&inputs, |[x, gamma, beta]| x.group_norm_silu(gamma, beta, groups, 1e-2));
        }

        #[test]
        fn layer_norm((n, m, d) in (1usize..4, 1usize..4, 2usize..7), seed in any::<u64>()) {
            let inputs = [values(&[n, m, d], seed), values(&[d], seed ^ 1), values(&[d], seed ^ 2)];
            assert_gradients(&inputs, |[x, gamma, beta]| x.layer_norm(gamma, beta, 1e-2));
        }
    }
}
