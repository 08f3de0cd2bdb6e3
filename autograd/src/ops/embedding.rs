use crate::{Op, Result, Sink, Var};
use tweedie_tensor::{Accumulate, Element, Tensor, ops};

/// Rows of a table.
struct Gather {
    indices: Vec<usize>,
}

impl<T: Element> Op<T, 1> for Gather {
    const NAME: &'static str = "gather";
    type Saved = ();

    fn forward(&self, [table]: [Tensor<T>; 1], _: [bool; 1]) -> Result<(Tensor<T>, ())> {
        Ok((ops::gather(&table, &self.indices)?, ()))
    }

    fn backward(self, (): (), dy: Tensor<T>, dx: &mut Sink<'_, T>) -> Result<()> {
        dx.write(0, |table, how| {
            if how == Accumulate::Overwrite {
                table.as_mut_slice().fill(T::ZERO);
            }
            ops::scatter_add(&dy, &self.indices, table)
        })
    }
}

/// The rows `indices` of a table \[v, d\] → \[n, d\]: an embedding.
///
/// # Errors
/// An index that the table has no row for.
pub fn gather<T: Element>(table: Var<T>, indices: &[usize]) -> Result<Var<T>> {
    Gather { indices: indices.to_vec() }.apply([table])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::{assert_gradients, values};

    #[test]
    fn rows_used_twice_gather_both_gradients() {
        assert_gradients(&[values(&[4, 3], 5)], |[table]| gather(table, &[2, 0, 2, 3]));
        assert_gradients(&[values(&[4, 3], 6)], |[table]| {
            gather(table.clone(), &[1, 1])?.add(gather(table, &[0, 1])?)
        });
    }
}
