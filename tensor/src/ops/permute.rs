use super::odometer::Odometer;
use super::pieces::{PIECE, for_pieces};
use crate::{Element, Error, MAX_RANK, Result, Shape, Tensor};

/// Side of the square tiles in which a matrix is transposed: its lines and columns fit in the first-level cache.
const TILE: usize = 16;

/// A tensor with its axes in another order: axis `i` of the result is axis `axes[i]` of `x`. The adjoint is the
/// inverse permutation, [`inverse_permutation`].
///
/// # Errors
/// [`Error::Parameter`] when `axes` does not name each axis once.
pub fn permute<T: Element>(x: &Tensor<T>, axes: &[usize]) -> Result<Tensor<T>> {
    check_axes("permute", x.shape(), axes)?;
    let (dims, strides) = (x.dims(), x.shape().strides());
    let walk = Odometer::merged(axes.iter().map(|&axis| (dims[axis], strides[axis])));
    let mut lengths = [1; MAX_RANK];
    lengths.iter_mut().zip(axes).for_each(|(len, &axis)| *len = dims[axis]);
    let shape = Shape::new(&lengths[..axes.len()])?;
    let merged: Vec<(usize, usize)> = walk.axes().collect();
    // A batch of matrices, each transposed, however many axes its rows and columns are made of.
    match merged[..] {
        [(cols, 1), (rows, step)] if step == cols => {
            return transposed(x, 1, rows, cols).reshape(shape);
        }
        [(batch, block), (cols, 1), (rows, step)] if step == cols && block == rows * cols => {
            return transposed(x, batch, rows, cols).reshape(shape);
        }
        _ => {}
    }
    let mut out = Tensor::scratch(shape);
    let numbers = x.as_slice();
    for_pieces(out.as_mut_slice(), PIECE, x.numel(), |start, piece| {
        walk.for_runs(start, piece, |run, from, step| match step {
            1 => run.copy_from_slice(&numbers[from..][..run.len()]),
            _ => (run.iter_mut().enumerate()).for_each(|(i, to)| *to = numbers[from + i * step]),
        });
    });
    Ok(out)
}

/// The order that undoes [`permute`] by `axes`.
pub fn inverse_permutation(axes: &[usize]) -> Vec<usize> {
    let mut inverse: Vec<usize> = (0..axes.len()).collect();
    inverse.sort_by_key(|&i| axes[i]);
    inverse
}

/// The last two axes exchanged: `[…, r, c]` becomes `[…, c, r]`. Its own inverse, and its own adjoint.
///
/// # Errors
/// [`Error::Unfit`] when there are fewer than two axes.
pub fn transpose_last<T: Element>(x: &Tensor<T>) -> Result<Tensor<T>> {
    let [batch @ .., rows, cols] = x.dims() else {
        let why = "must have two axes to exchange".to_string();
        return Err(Error::Unfit { op: "transpose_last", shape: *x.shape(), why });
    };
    let mut dims = x.dims().to_vec();
    dims.swap(batch.len(), batch.len() + 1);
    transposed(x, batch.iter().product(), *rows, *cols).reshape(Shape::new(&dims)?)
}

/// `batch` matrices of `rows` × `cols`, each transposed.
fn transposed<T: Element>(x: &Tensor<T>, batch: usize, rows: usize, cols: usize) -> Tensor<T> {
    let mut out = Tensor::scratch([batch, cols, rows]);
    let numbers = x.as_slice();
    // A piece is a run of whole output rows; tiles are as high as the piece allows.
    let lines = (PIECE / rows.max(1)).max(TILE);
    for_pieces(out.as_mut_slice(), lines * rows, x.numel(), |start, piece| {
        let (mut line, end) = (start / rows, start / rows + piece.len() / rows);
        while line < end {
            let (matrix, col) = (line / cols, line % cols);
            let high = TILE.min(cols - col).min(end - line);
            let from = &numbers[matrix * rows * cols..][..rows * cols];
            let to = &mut piece[(line * rows - start)..][..high * rows];
            for row in (0..rows).step_by(TILE) {
                for k in 0..high {
                    let to = &mut to[k * rows + row..k * rows + rows.min(row + TILE)];
                    for (i, to) in to.iter_mut().enumerate() {
                        *to = from[(row + i) * cols + col + k];
                    }
                }
            }
            line += high;
        }
    });
    out
}

fn check_axes(op: &'static str, shape: &Shape, axes: &[usize]) -> Result<()> {
    let mut named = [false; MAX_RANK];
    let fresh = |&axis: &usize| axis < shape.rank() && !std::mem::replace(&mut named[axis], true);
    if axes.len() != shape.rank() || !axes.iter().all(fresh) {
        let why = format!("must name each of the {} axes of {shape} once", shape.rank());
        return Err(Error::Parameter { op, name: "axes", value: format!("{axes:?}"), why });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::values;

    #[test]
    fn every_order_of_four_axes() {
        for dims in [[2, 3, 5, 7], [1, 37, 41, 1], [3, 1, 65, 33], [2, 0, 3, 1], [2, 40, 30, 21]] {
            let x = values::<f32>(dims, 1);
            let from = x.shape().strides();
            for code in 0..256 {
                let axes = [code / 64, code / 16 % 4, code / 4 % 4, code % 4];
                let Ok(y) = permute(&x, &axes) else {
                    assert!((0..4).any(|axis| !axes.contains(&axis)), "{axes:?}");
                    continue;
                };
                assert_eq!(y.dims(), axes.map(|axis| dims[axis]));
                let to = y.shape().strides();
                for (i, &value) in y.as_slice().iter().enumerate() {
                    let at: usize = (0..4).map(|a| i / to[a] % y.dims()[a] * from[axes[a]]).sum();
                    assert_eq!(value, x.as_slice()[at], "{dims:?} {axes:?} at {i}");
                }
                let again = permute(&y, &inverse_permutation(&axes)).unwrap();
                assert_eq!(again.as_slice(), x.as_slice());
            }
        }
    }

    #[test]
    fn transposing_exchanges_the_last_two() {
        for dims in [[1, 1, 1], [3, 17, 5], [2, 130, 513], [2, 3, 0]] {
            let x = values::<f64>(dims, 1);
            let y = transpose_last(&x).unwrap();
            assert_eq!(y.as_slice(), permute(&x, &[0, 2, 1]).unwrap().as_slice());
            assert_eq!(y.dims(), [dims[0], dims[2], dims[1]]);
        }
        assert!(transpose_last(&values::<f32>([3], 1)).is_err());
        let message = permute(&values::<f32>([2, 3], 1), &[0, 0]).unwrap_err().to_string();
        assert_eq!(message, "permute: axes = [0, 0]: must name each of the 2 axes of [2, 3] once");
    }
}
