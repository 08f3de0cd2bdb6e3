use crate::{Op, Result, Sink, Var};
use tweedie_tensor::{Element, Precision, Shape, Tensor, ops};

/// Which operands of a product stand transposed in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Transposed {
    /// Neither: A is [.., m, k], B is [.., k, n].
    Neither,
    /// A is [.., k, m].
    Left,
    /// B is [.., n, k].
    Right,
    /// Both: A is [.., k, m], B is [.., n, k].
    Both,
}

impl From<[bool; 2]> for Transposed {
    /// Whether the left one is, and whether the right one is.
    fn from(transposed: [bool; 2]) -> Transposed {
        match transposed {
            [false, false] => Transposed::Neither,
            [true, false] => Transposed::Left,
            [false, true] => Transposed::Right,
            [true, true] => Transposed::Both,
        }
    }
}

/// Y = op(A) · op(B), op being the identity or the transpose.
struct MatMul {
    a_transposed: bool,
    b_transposed: bool,
    /// Of this product, and of those that its gradients are.
    precision: Precision,
}

impl<T: Element> Op<T, 2> for MatMul {
    const NAME: &'static str = "matmul";
    /// Each operand, where the other's gradient reads it.
    type Saved = [Option<Tensor<T>>; 2];

    fn forward(&self, [a, b]: [Tensor<T>; 2], needs: [bool; 2]) -> Result<(Tensor<T>, Self::Saved)> {
        let y = ops::matmul_with(self.precision, &a, self.a_transposed, &b, self.b_transposed)?;
        Ok((y, [needs[1].then_some(a), needs[0].then_some(b)]))
    }

    // dop(A) = dY · op(B)ᵀ and dop(B) = op(A)ᵀ · dY, each transposed once more for a transposed operand.
    fn backward(self, [a, b]: Self::Saved, dy: Tensor<T>, dx: &mut Sink<'_, T>) -> Result<()> {
        let MatMul { a_transposed, b_transposed, precision } = self;
        if let (Some(b), Some(shape)) = (b, dx.shape(0)) {
            match a_transposed {
                false => product(dx, precision, (0, &shape), (&dy, false), (&b, !b_transposed))?,
                true => product(dx, precision, (0, &shape), (&b, b_transposed), (&dy, true))?,
            }
        }
        if let (Some(a), Some(shape)) = (a, dx.shape(1)) {
            let (a, dy) = folded(&a, &dy, a_transposed, &shape)?;
            match b_transposed {
                false => product(dx, precision, (1, &shape), (&a, !a_transposed), (&dy, false))?,
                true => product(dx, precision, (1, &shape), (&dy, true), (&a, a_transposed))?,
            }
        }
        Ok(())
    }
}

/// A matrix B that served a whole batch gets the sum of the batch's gradients. Where A's rows follow one
/// another in memory, that sum is itself one product, over the rows of the batch together.
fn folded<T: Element>(
    a: &Tensor<T>,
    dy: &Tensor<T>,
    a_transposed: bool,
    b: &Shape,
) -> Result<(Tensor<T>, Tensor<T>)> {
    let rows_together = |x: &Tensor<T>| {
        let columns = x.dims()[x.rank() - 1];
        x.reshape([x.numel() / columns.max(1), columns])
    };
    if b.rank() == 2 && a.rank() > 2 && !a_transposed {
        return Ok((rows_together(a)?, rows_together(dy)?));
    }
    Ok((a.clone(), dy.clone()))
}

fn product<T: Element>(
    dx: &mut Sink<'_, T>,
    precision: Precision,
    (operand, shape): (usize, &Shape),
    (left, left_transposed): (&Tensor<T>, bool),
    (right, right_transposed): (&Tensor<T>, bool),
) -> Result<()> {
    if left.rank().max(right.rank()) == shape.rank() {
        return dx.write(operand, |out, how| {
            ops::matmul_into_with(precision, left, left_transposed, right, right_transposed, out, how)
        });
    }
    let batch = ops::matmul_with(precision, left, left_transposed, right, right_transposed)?;
    dx.add(operand, ops::sum_to(&batch, shape)?)
}

/// Matrix products over the last two axes; axes before them are a batch.
impl<T: Element> Var<T> {
    /// [.., m, k] · [.., k, n] → [.., m, n]. An operand of two axes serves every item of the other's batch.
    ///
    /// # Errors
    /// Shapes that do not fit.
    pub fn matmul(self, other: Var<T>) -> Result<Var<T>> {
        self.matmul_transposed(other, Transposed::Neither)
    }

    /// As [`Var::matmul`], of operands that stand transposed in memory: nothing is moved.
    ///
    /// # Errors
    /// Shapes that do not fit.
    pub fn matmul_transposed(self, other: Var<T>, transposed: Transposed) -> Result<Var<T>> {
        self.matmul_with(other, transposed, Precision::F32)
    }

    /// As [`Var::matmul_transposed`], with a precision for this product and for those that its gradients are.
    ///
    /// # Errors
    /// Shapes that do not fit.
    pub fn matmul_with(self, other: Var<T>, transposed: Transposed, precision: Precision) -> Result<Var<T>> {
        let a_transposed = matches!(transposed, Transposed::Left | Transposed::Both);
        let b_transposed = matches!(transposed, Transposed::Right | Transposed::Both);
        MatMul { a_transposed, b_transposed, precision }.apply([self, other])
    }
}

#[cfg(test)]
mod tests {
    use crate::check::{assert_gradients, values};
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(96))]
        #[test]
        fn batched_shared_and_transposed(
            (m, n, k) in (1usize..5, 1usize..5, 1usize..5),
            batch in proptest::collection::vec(1usize..4, 0..3),
            (a_t, b_t) in any::<(bool, bool)>(),
            shared in 0usize..3,
            seed in any::<u64>(),
        ) {
            let shape = |rows, columns, transposed: bool, batch: &[usize]| {
                let mut dims = batch.to_vec();
                dims.extend(if transposed { [columns, rows] } else { [rows, columns] });
                dims
            };
            let none: &[usize] = &[];
            let a = shape(m, k, a_t, if shared == 1 { none } else { &batch });
            let b = shape(k, n, b_t, if shared == 2 { none } else { &batch });
            let (a, b) = (values(&a[..], seed), values(&b[..], seed ^ 1));
            assert_gradients(&[a, b], |[a, b]| a.matmul_transposed(b, [a_t, b_t].into()));
        }
    }
}
