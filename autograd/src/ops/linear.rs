use crate::{Op, Result, Sink, Var};
use tweedie_tensor::ops::{self, NormStats, Unary};
use tweedie_tensor::{Element, Precision, Tensor};

/// y = x Wᵀ + b.
struct Linear {
    /// Of this product, and of those that its gradients are; likewise below.
    precision: Precision,
}

impl<T: Element> Op<T, 3> for Linear {
    const NAME: &'static str = "linear";
    type Saved = [Tensor<T>; 2];

    fn forward(&self, [x, w, b]: [Tensor<T>; 3], _: [bool; 3]) -> Result<(Tensor<T>, Self::Saved)> {
        Ok((ops::linear(self.precision, &x, &w, &b)?, [x, w]))
    }

    fn backward(self, [x, w]: Self::Saved, dy: Tensor<T>, dx: &mut Sink<'_, T>) -> Result<()> {
        dx.write(0, |out, how| ops::matmul_into_with(self.precision, &dy, false, &w, false, out, how))?;
        of_weight_and_bias(self.precision, [1, 2], &x, dy, dx)
    }
}

/// y = GELU(x) Wᵀ + b, with GELU in its tanh form. Its value is computed again in the backward pass, together with its slope.
struct GeluLinear {
    precision: Precision,
}

impl<T: Element> Op<T, 3> for GeluLinear {
    const NAME: &'static str = "gelu_linear";
    type Saved = [Tensor<T>; 2];

    fn forward(&self, [x, w, b]: [Tensor<T>; 3], _: [bool; 3]) -> Result<(Tensor<T>, Self::Saved)> {
        let active = ops::unary(x.clone(), Unary::GeluTanh);
        Ok((ops::linear(self.precision, &active, &w, &b)?, [x, w]))
    }

    fn backward(self, [x, w]: Self::Saved, dy: Tensor<T>, dx: &mut Sink<'_, T>) -> Result<()> {
        let dactive = ops::matmul_with(self.precision, &dy, false, &w, false)?;
        let (of_x, active) = ops::gelu_tanh_backward_and_value(x, dactive)?;
        dx.add(0, of_x)?;
        of_weight_and_bias(self.precision, [1, 2], &active, dy, dx)
    }
}

/// y = m Wᵀ + b for m = (1 + scale) · norm(x) + shift. m is computed again in the backward pass.
struct ModulatedLinear {
    eps: f64,
    precision: Precision,
}

impl<T: Element> Op<T, 5> for ModulatedLinear {
    const NAME: &'static str = "modulated_linear";
    type Saved = ([Tensor<T>; 4], NormStats<T>);

    fn forward(
        &self,
        [x, shift, scale, w, b]: [Tensor<T>; 5],
        _: [bool; 5],
    ) -> Result<(Tensor<T>, Self::Saved)> {
        let (modulated, stats) = ops::modulated_norm(&x, &shift, &scale, self.eps)?;
        Ok((ops::linear(self.precision, &modulated, &w, &b)?, ([x, shift, scale, w], stats)))
    }

    fn backward(
        self,
        ([x, shift, scale, w], stats): Self::Saved,
        dy: Tensor<T>,
        dx: &mut Sink<'_, T>,
    ) -> Result<()> {
        let dmodulated = ops::matmul_with(self.precision, &dy, false, &w, false)?;
        let modulated = ops::modulated_norm_from_stats(&x, &shift, &scale, &stats)?;
        of_weight_and_bias(self.precision, [3, 4], &modulated, dy, dx)?;
        drop(modulated);
        let onto = dx.take(0);
        let gradients = ops::modulated_norm_backward(&x, &scale, &stats, dmodulated, onto)?;
        dx.add(0, gradients.dx)?;
        dx.add(1, gradients.dshift)?;
        dx.add(2, gradients.dscale)
    }
}

/// The gradients of a linear map's weights and bias, which are these operands: dW = dyᵀ x, db = Σ dy, over the rows of all axes
/// before the last.
fn of_weight_and_bias<T: Element>(
    precision: Precision,
    [weight, bias]: [usize; 2],
    x: &Tensor<T>,
    dy: Tensor<T>,
    dx: &mut Sink<'_, T>,
) -> Result<()> {
    let [x, dy] = [x, &dy].map(rows_together);
    let (x, dy) = (x?, dy?);
    dx.write(weight, |out, how| ops::matmul_into_with(precision, &dy, true, &x, false, out, how))?;
    match dx.shape(bias) {
        Some(shape) => dx.add(bias, ops::sum_to(&dy, &shape)?),
        None => Ok(()),
    }
}

/// x \[.., k\] as one matrix.
fn rows_together<T: Element>(x: &Tensor<T>) -> Result<Tensor<T>> {
    let (k, rows) = x.dims().split_last().map_or((1, 1), |(k, rows)| (*k, rows.iter().product()));
    Ok(x.reshape([rows, k])?)
}

/// Linear maps with weights W \[n, k\] and a bias \[n\], whose products, forward and in the gradients, take operands as `precision`
/// says.
impl<T: Element> Var<T> {
    /// x Wᵀ + b for x \[.., rows, k\]: \[.., rows, n\].
    ///
    /// # Errors
    /// Shapes that do not fit.
    pub fn linear(self, weight: Var<T>, bias: Var<T>, precision: Precision) -> Result<Var<T>> {
        Linear { precision }.apply([self, weight, bias])
    }

    /// [`Var::linear`] of GELU of x in its tanh form (Hendrycks, Gimpel 2016). Its value is not kept, but computed again in the backward pass.
    ///
    /// # Errors
    /// Shapes that do not fit.
    pub fn gelu_linear(self, weight: Var<T>, bias: Var<T>, precision: Precision) -> Result<Var<T>> {
        GeluLinear { precision }.apply([self, weight, bias])
    }

    /// [`Var::linear`] of (1 + scale) · norm(x) + shift, for tokens x \[n, s, k\], each normalised to mean 0 and variance 1, and shift
    /// and scale \[n, 1, k\] of each sample (Peebles and Xie 2023, adaLN). The normalised and the modulated tokens
    /// are not kept, but computed again in the backward pass.
    ///
    /// # Errors
    /// Shapes that do not fit.
    pub fn modulated_linear(
        self,
        [shift, scale]: [Var<T>; 2],
        eps: f64,
        weight: Var<T>,
        bias: Var<T>,
        precision: Precision,
    ) -> Result<Var<T>> {
        ModulatedLinear { eps, precision }.apply([self, shift, scale, weight, bias])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::{assert_gradients, values};
    use Precision::F32;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]
        #[test]
        fn linear_maps_and_what_they_are_of(
            (n, s, k, outputs) in (1usize..4, 1usize..4, 2usize..6, 1usize..5),
            seed in any::<u64>(),
        ) {
            let x = values(&[n, s, k], seed);
            let (w, b) = (values(&[outputs, k], seed ^ 1), values(&[outputs], seed ^ 2));
            let (shift, scale) = (values(&[n, 1, k], seed ^ 3), values(&[n, 1, k], seed ^ 4));
            assert_gradients(&[x.clone(), w.clone(), b.clone()], |[x, w, b]| x.linear(w, b, F32));
            assert_gradients(&[x.clone(), w.clone(), b.clone()], |[x, w, b]| x.gelu_linear(w, b, F32));
            assert_gradients(&[x, shift, scale, w, b], |[x, shift, scale, w, b]| {
                // x is used twice, so that a gradient is there when the second one comes.
                let y = x.clone().modulated_linear([shift, scale], 1e-2, w, b, F32)?;
                y.sum()?.add(x.sum()?)
            });
        }

        #[test]
        fn the_parts_in_one_or_one_by_one(seed in any::<u64>()) {
            let x = Var::constant(values(&[2, 3, 5], seed));
            let (w, b) = (Var::constant(values(&[4, 5], seed ^ 1)), Var::constant(values(&[4], seed ^ 2)));
            let one = x.clone().gelu_linear(w.clone(), b.clone(), F32).unwrap();
            let by_one = x.gelu_tanh().unwrap().linear(w, b, F32).unwrap();
            prop_assert_eq!(one.value().as_slice(), by_one.value().as_slice());
        }
    }
}
