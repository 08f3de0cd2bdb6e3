//! `+`, `-`, `*` and `/` on tensors and numbers, number by number, with NumPy's broadcasting.
//!
//! Operators panic where shapes do not fit, as indexing does, because an expression has no room for a [`Result`]: the
//! message is that of the typed error. Named methods and the functions of [`ops`](crate::ops) return it instead; whoever
//! takes shapes from a user calls [`ops::binary`](crate::ops::binary).
//!
//! Numbers are `f64` on tensors of either type, rounded to the tensor's. An operand taken by value whose memory nobody else
//! holds gives it to the result.
//!
//! ```
//! use tweedie_tensor::Tensor;
//! let a = Tensor::from([[1.0f32, 2.0], [3.0, 4.0]]);
//! let row = Tensor::from([10.0f32, 20.0]);
//! assert_eq!((&a + &row).as_slice(), [11.0, 22.0, 13.0, 24.0]);
//! assert_eq!((2.0 * &a - 1.0).as_slice(), [1.0, 3.0, 5.0, 7.0]);
//! assert_eq!((-&a / &row).as_slice(), [-0.1, -0.1, -0.3, -0.2]);
//! ```

use crate::ops::{self, Binary, Unary};
use crate::{Element, Error, Result, Shape, Tensor};
use std::ops::{Add, AddAssign, Div, DivAssign, Mul, MulAssign, Neg, Sub, SubAssign};

#[track_caller]
fn combine<T: Element>(a: Tensor<T>, b: Tensor<T>, f: Binary) -> Tensor<T> {
    ops::binary(a, b, f).unwrap_or_else(|error| panic!("{error}"))
}

#[track_caller]
fn combine_into<T: Element>(a: &mut Tensor<T>, b: Tensor<T>, op: &'static str, f: Binary) {
    check_target(op, a.shape(), b.shape()).unwrap_or_else(|error| panic!("{error}"));
    // Only a tensor that nobody else holds is written in place.
    let own = std::mem::replace(a, Tensor::scalar(T::ZERO));
    *a = combine(own, b, f);
}

/// Refuses a right operand that would change the shape of what it is assigned to.
fn check_target(op: &'static str, left: &Shape, right: &Shape) -> Result<()> {
    if Shape::broadcast(op, left, right)? != *left {
        let why = "the left operand keeps its shape";
        return Err(Error::Mismatch { op, left: *left, right: *right, why });
    }
    Ok(())
}

fn number<T: Element>(value: f64) -> Tensor<T> {
    Tensor::scalar(T::from_f64(value))
}

macro_rules! operator {
    ($trait:ident $method:ident, $assign:ident $assign_method:ident $name:literal, $what:literal) => {
        operator!(@tensors $trait $method $what, [Tensor<T>] [Tensor<T>] |a, b| (a, b));
        operator!(@tensors $trait $method $what, [Tensor<T>] [&Tensor<T>] |a, b| (a, b.clone()));
        operator!(@tensors $trait $method $what, [&Tensor<T>] [Tensor<T>] |a, b| (a.clone(), b));
        operator!(@tensors $trait $method $what, [&Tensor<T>] [&Tensor<T>] |a, b| (a.clone(), b.clone()));
        operator!(@numbers $trait $method $what, [Tensor<T>] [f64] |a, b| (a, number(b)));
        operator!(@numbers $trait $method $what, [&Tensor<T>] [f64] |a, b| (a.clone(), number(b)));
        operator!(@numbers $trait $method $what, [f64] [Tensor<T>] |a, b| (number(a), b));
        operator!(@numbers $trait $method $what, [f64] [&Tensor<T>] |a, b| (number(a), b.clone()));

        #[doc = concat!("Each number becomes ", $what, ", in place if no other tensor shares the memory.")]
        impl<T: Element> $assign<&Tensor<T>> for Tensor<T> {
            /// # Panics
            /// When the right operand does not broadcast to the left one's shape.
            #[track_caller]
            fn $assign_method(&mut self, other: &Tensor<T>) {
                combine_into(self, other.clone(), $name, Binary::$trait);
            }
        }

        #[doc = concat!("Each number becomes ", $what, ", in place if no other tensor shares the memory.")]
        impl<T: Element> $assign<f64> for Tensor<T> {
            fn $assign_method(&mut self, other: f64) {
                combine_into(self, number(other), $name, Binary::$trait);
            }
        }
    };
    (@tensors $trait:ident $method:ident $what:literal, [$left:ty] [$right:ty] |$a:ident, $b:ident| $pair:expr) => {
        #[doc = concat!($what, " for each pair of numbers, axes of length 1 stretching.")]
        impl<T: Element> $trait<$right> for $left {
            type Output = Tensor<T>;
            /// # Panics
            /// When the shapes do not broadcast.
            #[track_caller]
            fn $method(self, other: $right) -> Tensor<T> {
                let ($a, $b) = (self, other);
                let (a, b) = $pair;
                combine(a, b, Binary::$trait)
            }
        }
    };
    (@numbers $trait:ident $method:ident $what:literal, [$left:ty] [$right:ty] |$a:ident, $b:ident| $pair:expr) => {
        #[doc = concat!($what, " for each number.")]
        impl<T: Element> $trait<$right> for $left {
            type Output = Tensor<T>;
            fn $method(self, other: $right) -> Tensor<T> {
                let ($a, $b) = (self, other);
                let (a, b) = $pair;
                combine(a, b, Binary::$trait)
            }
        }
    };
}

operator!(Add add, AddAssign add_assign "add_assign", "a + b");
operator!(Sub sub, SubAssign sub_assign "sub_assign", "a − b");
operator!(Mul mul, MulAssign mul_assign "mul_assign", "a · b");
operator!(Div div, DivAssign div_assign "div_assign", "a / b");

/// −a for each number.
impl<T: Element> Neg for Tensor<T> {
    type Output = Tensor<T>;
    fn neg(self) -> Tensor<T> {
        ops::unary(self, Unary::Neg)
    }
}

/// −a for each number.
impl<T: Element> Neg for &Tensor<T> {
    type Output = Tensor<T>;
    fn neg(self) -> Tensor<T> {
        -self.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_every_operator() {
        let (a, b) = (Tensor::from([8.0f64, 6.0]), Tensor::from([2.0f64, 4.0]));
        let is = |x: Tensor<f64>, expected: [f64; 2]| assert_eq!(x.as_slice(), expected);
        for (x, expected) in [
            (&a + &b, [10.0, 10.0]),
            (a.clone() - &b, [6.0, 2.0]),
            (&a * b.clone(), [16.0, 24.0]),
            (a.clone() / b.clone(), [4.0, 1.5]),
            (&a + 1.0, [9.0, 7.0]),
            (a.clone() - 1.0, [7.0, 5.0]),
            (1.0 - &a, [-7.0, -5.0]),
            (24.0 / a.clone(), [3.0, 4.0]),
            (-&a, [-8.0, -6.0]),
        ] {
            is(x, expected);
        }
        let mut c = a.clone();
        c += &b;
        c -= 1.0;
        c *= &Tensor::scalar(2.0);
        c /= 3.0;
        is(c, [6.0, 6.0]);
        is(a, [8.0, 6.0]);
    }

    #[test]
    fn memory_that_nobody_else_holds_is_reused() {
        let mut a = Tensor::full([3], 1.0f32);
        let at = a.as_slice().as_ptr();
        a += &Tensor::full([3], 1.0);
        let b = (a + 1.0) * 2.0;
        assert_eq!((b.as_slice().as_ptr(), b.as_slice()), (at, &[6.0; 3][..]));
    }

    #[test]
    #[should_panic(expected = "add: shapes [2] and [3] do not fit")]
    fn operators_panic_with_the_message_of_the_typed_error() {
        let _ = Tensor::<f32>::zeros([2]) + Tensor::zeros([3]);
    }

    #[test]
    #[should_panic(
        expected = "mul_assign: shapes [2] and [3, 2] do not fit: the left operand keeps its shape"
    )]
    fn an_assignment_keeps_the_shape() {
        let mut a = Tensor::<f32>::zeros([2]);
        a *= &Tensor::zeros([3, 2]);
    }
}
