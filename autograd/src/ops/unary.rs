use crate::{Op, Result, Sink, Var};
use tweedie_tensor::ops::{self, Reads, Unary};
use tweedie_tensor::{Element, Tensor};

/// y = f(x), number by number.
impl<T: Element> Op<T, 1> for Unary {
    const NAME: &'static str = "unary";

    fn name(&self) -> &'static str {
        Unary::name(*self)
    }

    type Saved = Option<Tensor<T>>;

    fn forward(&self, [x]: [Tensor<T>; 1], [needs]: [bool; 1]) -> Result<(Tensor<T>, Self::Saved)> {
        let reads = if needs { self.backward_reads() } else { Reads::Nothing };
        Ok(match reads {
            Reads::Input => (ops::unary(x.clone(), *self), Some(x)),
            Reads::Output => {
                let y = ops::unary(x, *self);
                (y.clone(), Some(y))
            }
            Reads::Nothing => (ops::unary(x, *self), None),
        })
    }

    fn backward(self, saved: Self::Saved, dy: Tensor<T>, dx: &mut Sink<'_, T>) -> Result<()> {
        // What reads nothing is handed the gradient itself: it is of the right shape.
        let saved = saved.unwrap_or_else(|| dy.clone());
        dx.add(0, ops::unary_backward(self, &saved, dy)?)
    }
}

/// y = a x + b, with numbers a and b.
struct Affine {
    a: f64,
    b: f64,
}

impl<T: Element> Op<T, 1> for Affine {
    const NAME: &'static str = "affine";
    type Saved = ();

    fn forward(&self, [x]: [Tensor<T>; 1], _: [bool; 1]) -> Result<(Tensor<T>, ())> {
        Ok((ops::affine(x, self.a, self.b), ()))
    }

    fn backward(self, (): (), dy: Tensor<T>, dx: &mut Sink<'_, T>) -> Result<()> {
        dx.add(0, ops::affine(dy, self.a, 0.0))
    }
}

/// Methods that are one [`Unary`] each.
macro_rules! unary_methods {
    ($($(#[$doc:meta])* $method:ident => $f:ident;)*) => {
        /// Functions of one number, applied to each.
        #[allow(clippy::should_implement_trait)]
        impl<T: Element> Var<T> {
            $(
                $(#[$doc])*
                ///
                /// # Errors
                /// [`crate::Error::Spent`].
                pub fn $method(self) -> Result<Var<T>> {
                    Unary::$f.apply([self])
                }
            )*
        }
    };
}

unary_methods! {
    /// −x.
    neg => Neg;
    /// e^x.
    exp => Exp;
    /// Natural logarithm.
    ln => Ln;
    /// √x.
    sqrt => Sqrt;
    /// x².
    square => Square;
    /// 1/x.
    recip => Recip;
    /// Sine.
    sin => Sin;
    /// Cosine.
    cos => Cos;
    /// Hyperbolic tangent.
    tanh => Tanh;
    /// σ(x) = 1 / (1 + e^−x).
    sigmoid => Sigmoid;
    /// x σ(x), also called swish (Elfwing et al. 2017).
    silu => Silu;
    /// x Φ(x) with the exact normal distribution function (Hendrycks, Gimpel 2016).
    gelu => Gelu;
    /// ½ x (1 + tanh(√(2/π) (x + 0.044715 x³))), the approximation of [`Var::gelu`] (Hendrycks, Gimpel 2016).
    gelu_tanh => GeluTanh;
    /// max(x, 0).
    relu => Relu;
    /// |x|.
    abs => Abs;
}

/// Products and sums with one number.
impl<T: Element> Var<T> {
    /// a x.
    ///
    /// # Errors
    /// [`crate::Error::Spent`].
    pub fn scale(self, a: f64) -> Result<Var<T>> {
        Affine { a, b: 0.0 }.apply([self])
    }

    /// x + b.
    ///
    /// # Errors
    /// [`crate::Error::Spent`].
    pub fn add_scalar(self, b: f64) -> Result<Var<T>> {
        Affine { a: 1.0, b }.apply([self])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::{assert_gradients, values};
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn every_function(which in 0..Unary::ALL.len(), n in 1usize..7, m in 1usize..5, seed in any::<u64>()) {
            let f = Unary::ALL[which];
            let mut x = values(&[n, m], seed);
            for v in x.as_mut_slice() {
                // Away from the kinks of |x| and max(x, 0), and inside the domains of ln, √ and 1/x.
                *v = match f {
                    Unary::Ln | Unary::Sqrt | Unary::Recip => v.abs() + 0.3,
                    _ => *v + 0.1 * v.signum(),
                };
            }
            assert_gradients(&[x], |[x]| f.apply([x]));
        }

        #[test]
        fn affine(n in 1usize..9, a in -3.0..3.0, b in -3.0..3.0, seed in any::<u64>()) {
            assert_gradients(&[values(&[n], seed)], |[x]| x.scale(a)?.add_scalar(b));
        }
    }
}
