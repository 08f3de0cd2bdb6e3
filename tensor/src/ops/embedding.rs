use super::pieces::{PIECE, for_pieces};
use crate::{Element, Error, Result, Shape, Tensor};

/// Rows of a table: `[v, d]` and n indices give `[n, d]`.
///
/// # Errors
/// [`Error::Unfit`] when the table is not `[v, d]`; [`Error::Parameter`] when an index is not below v.
pub fn gather<T: Element>(table: &Tensor<T>, indices: &[usize]) -> Result<Tensor<T>> {
    let d = check_indices("gather", table.shape(), indices)?;
    let mut out = Tensor::scratch([indices.len(), d]);
    let (work, rows) = (out.numel(), (PIECE / d.max(1)).max(1));
    for_pieces(out.as_mut_slice(), rows * d, work, |start, piece| {
        for (to, &index) in piece.chunks_exact_mut(d).zip(&indices[start / d..]) {
            to.copy_from_slice(&table.as_slice()[index * d..][..d]);
        }
    });
    Ok(out)
}

/// The adjoint of [`gather`]: row i of `dy` (`[n, d]`) is added to row `indices[i]` of the table's gradient `out`
/// (`[v, d]`), in the order of i.
///
/// # Errors
/// As [`gather`] for `out`, and [`Error::Mismatch`] when `dy` is not `[n, d]`.
pub fn scatter_add<T: Element>(dy: &Tensor<T>, indices: &[usize], out: &mut Tensor<T>) -> Result<()> {
    const OP: &str = "scatter_add";
    let d = check_indices(OP, out.shape(), indices)?;
    let expected = Shape::from([indices.len(), d]);
    if *dy.shape() != expected {
        let why = "there must be one row of the table's length for each index";
        return Err(Error::Mismatch { op: OP, left: *dy.shape(), right: expected, why });
    }
    let table = out.as_mut_slice();
    // One thread: rows of an index that occurs twice must be added in order.
    for (&index, row) in indices.iter().zip(dy.as_slice().chunks_exact(d.max(1))) {
        table[index * d..][..d].iter_mut().zip(row).for_each(|(sum, &dy)| *sum += dy);
    }
    Ok(())
}

fn check_indices(op: &'static str, shape: &Shape, indices: &[usize]) -> Result<usize> {
    let [rows, d] = shape.exactly(op, "must have two axes: rows of the table, length of a row")?;
    if let Some(index) = indices.iter().find(|&&index| index >= rows) {
        let why = format!("the table has {rows} rows, counted from 0");
        return Err(Error::Parameter { op, name: "index", value: index.to_string(), why });
    }
    Ok(d)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::values;

    #[test]
    fn rows_are_gathered_and_gradients_scattered() {
        let table = values::<f64>([5, 7], 1);
        let indices = [3, 0, 3, 4];
        let out = gather(&table, &indices).unwrap();
        for (row, index) in out.as_slice().chunks(7).zip(indices) {
            assert_eq!(row, &table.as_slice()[index * 7..][..7]);
        }
        let dy = values::<f64>([4, 7], 2);
        let mut grad = Tensor::full([5, 7], 1.0);
        scatter_add(&dy, &indices, &mut grad).unwrap();
        let dy = dy.as_slice();
        assert_eq!(grad.as_slice()[3 * 7 + 2], 1.0 + dy[2] + dy[2 * 7 + 2]);
        assert_eq!(grad.as_slice()[7..21], [1.0; 14]);
        assert_eq!(gather(&table, &[]).unwrap().dims(), [0, 7]);
    }

    #[test]
    fn an_index_beyond_the_table_is_named() {
        let table = values::<f32>([10, 4], 1);
        let message = gather(&table, &[1, 10]).unwrap_err().to_string();
        assert_eq!(message, "gather: index = 10: the table has 10 rows, counted from 0");
        let mut grad = Tensor::zeros([10, 4]);
        assert!(scatter_add(&values::<f32>([2, 4], 1), &[1], &mut grad).is_err());
    }
}
