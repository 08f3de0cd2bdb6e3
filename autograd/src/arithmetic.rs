//! `+`, `-`, `*` and `/` on variables and numbers, with NumPy's broadcasting.
//!
//! Operators panic where the named methods ([`Var::add`] and its like) return an error, with its message: an expression has
//! no room for a [`Result`](crate::Result). Numbers are `f64` on variables of either type, rounded to the variable's.
//!
//! ```
//! use tweedie_autograd::Tape;
//! use tweedie_tensor::Tensor;
//! let tape = Tape::new();
//! let x = tape.leaf(Tensor::from([1.0f64, 2.0]));
//! let w = tape.leaf(Tensor::from([3.0f64, 4.0]));
//! let gradients = (&x * &w + 1.0).sum()?.backward()?; // Σ (x w + 1)
//! assert_eq!(gradients.wrt(&x).unwrap().as_slice(), [3.0, 4.0]);
//! assert_eq!(gradients.wrt(&w).unwrap().as_slice(), [1.0, 2.0]);
//! # Ok::<(), tweedie_autograd::Error>(())
//! ```

use crate::{Op, Var};
use std::ops::{Add, Div, Mul, Neg, Sub};
use tweedie_tensor::ops::{Binary, Unary};
use tweedie_tensor::{Element, Tensor};

#[track_caller]
fn combine<T: Element>(a: Var<T>, b: Var<T>, f: Binary) -> Var<T> {
    f.apply([a, b]).unwrap_or_else(|error| panic!("{error}"))
}

fn number<T: Element>(value: f64) -> Var<T> {
    Var::constant(Tensor::scalar(T::from_f64(value)))
}

macro_rules! operator {
    ($trait:ident $method:ident $what:literal) => {
        operator!($trait $method $what, [Var<T>] [Var<T>] |a, b| (a, b));
        operator!($trait $method $what, [Var<T>] [&Var<T>] |a, b| (a, b.clone()));
        operator!($trait $method $what, [&Var<T>] [Var<T>] |a, b| (a.clone(), b));
        operator!($trait $method $what, [&Var<T>] [&Var<T>] |a, b| (a.clone(), b.clone()));
        operator!($trait $method $what, [Var<T>] [f64] |a, b| (a, number(b)));
        operator!($trait $method $what, [&Var<T>] [f64] |a, b| (a.clone(), number(b)));
        operator!($trait $method $what, [f64] [Var<T>] |a, b| (number(a), b));
        operator!($trait $method $what, [f64] [&Var<T>] |a, b| (number(a), b.clone()));
    };
    ($trait:ident $method:ident $what:literal, [$left:ty] [$right:ty] |$a:ident, $b:ident| $pair:expr) => {
        #[doc = concat!($what, ", number by number.")]
        impl<T: Element> $trait<$right> for $left {
            type Output = Var<T>;
            #[doc = concat!("# Panics\nWhere [`Var::", stringify!($method), "`] returns an error.")]
            #[track_caller]
            fn $method(self, other: $right) -> Var<T> {
                let ($a, $b) = (self, other);
                let (a, b) = $pair;
                combine(a, b, Binary::$trait)
            }
        }
    };
}

operator!(Add add "a + b");
operator!(Sub sub "a − b");
operator!(Mul mul "a · b");
operator!(Div div "a / b");

/// −a, number by number.
impl<T: Element> Neg for Var<T> {
    type Output = Var<T>;
    /// # Panics
    /// Where [`Var::neg`] returns an error.
    #[track_caller]
    fn neg(self) -> Var<T> {
        Unary::Neg.apply([self]).unwrap_or_else(|error| panic!("{error}"))
    }
}

/// −a, number by number.
impl<T: Element> Neg for &Var<T> {
    type Output = Var<T>;
    /// # Panics
    /// Where [`Var::neg`] returns an error.
    #[track_caller]
    fn neg(self) -> Var<T> {
        -self.clone()
    }
}

#[cfg(test)]
mod tests {
    use crate::check::{assert_gradients, values};
    use crate::{Tape, Var};
    use tweedie_tensor::Tensor;

    #[test]
    fn every_form_has_its_gradient() {
        let mut operands = [values(&[2, 3], 1), values(&[3], 2)];
        // Away from 0, by which some of the expressions divide.
        operands.iter_mut().for_each(|x| x.as_mut_slice().iter_mut().for_each(|v| *v += 2.0 * v.signum()));
        assert_gradients(&operands, |[a, b]| Ok(&a + &b - &a * &b));
        assert_gradients(&operands, |[a, b]| Ok(a.clone() / b.clone() + (a - &b) * b));
        assert_gradients(&operands, |[a, b]| Ok((2.0 * &a + 1.0) / (3.0 * b) - 0.5));
        assert_gradients(&operands, |[a, b]| Ok(1.0 / &a - (1.0 - b) * -a));
        assert_gradients(&operands, |[a, b]| Ok(-&a * 2.0 + (3.0 + b) / 4.0));
    }

    #[test]
    #[should_panic(expected = "binary: its operands stand on different tapes")]
    fn operators_panic_with_the_message_of_the_typed_error() {
        let leaf = |tape: &Tape| -> Var { tape.leaf(Tensor::zeros([2])) };
        let _ = leaf(&Tape::new()) + leaf(&Tape::new());
    }
}
