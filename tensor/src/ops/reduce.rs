//! Sums, means and maxima over axes, and the adjoint of broadcasting.

use super::odometer::Odometer;
use super::pieces::{PIECE, for_blocks, for_pieces};
use super::total::sum_in_f64;
use crate::reduction;
use crate::simd::vectorized;
use crate::{Element, Error, Result, Shape, Tensor};

/// Rows that are added in sequence before partial sums are added: bounds the rounding error as pairwise summation does.
const ROWS: usize = 256;

/// The sum of all elements, with no axes left.
pub fn sum<T: Element>(x: &Tensor<T>) -> Tensor<T> {
    Tensor::scalar(T::from_f64(sum_in_f64(x.as_slice())))
}

/// The mean of all elements, with no axes left; NaN when there are none.
pub fn mean<T: Element>(x: &Tensor<T>) -> Tensor<T> {
    Tensor::scalar(T::from_f64(sum_in_f64(x.as_slice()) / x.numel() as f64))
}

/// What becomes of an axis that is reduced to one number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum KeepDim {
    /// The result has one axis less.
    #[default]
    No,
    /// The axis stays, with length 1, so that the result broadcasts against the operand.
    Yes,
}

/// The sum over one axis.
///
/// # Errors
/// [`Error::Parameter`] when there is no such axis.
pub fn sum_axis<T: Element>(x: &Tensor<T>, axis: usize, keep: KeepDim) -> Result<Tensor<T>> {
    let (cut, shape) = cut_at("sum_axis", x.shape(), axis, keep)?;
    sum_middle(x.clone(), cut).reshape(shape)
}

/// The mean over one axis.
///
/// # Errors
/// [`Error::Parameter`] when there is no such axis.
pub fn mean_axis<T: Element>(x: &Tensor<T>, axis: usize, keep: KeepDim) -> Result<Tensor<T>> {
    let (cut, shape) = cut_at("mean_axis", x.shape(), axis, keep)?;
    let sum = sum_middle(x.clone(), cut);
    super::scale(sum, 1.0 / cut.len as f64).reshape(shape)
}

/// The largest element along one axis; NaN if there is one.
///
/// # Errors
/// [`Error::Parameter`] when there is no such axis, or it is empty.
pub fn max_axis<T: Element>(x: &Tensor<T>, axis: usize, keep: KeepDim) -> Result<Tensor<T>> {
    let (cut, shape) = cut_at("max_axis", x.shape(), axis, keep)?;
    if cut.len == 0 {
        let why = format!("an empty axis of {} has no largest element", x.shape());
        return Err(Error::Parameter { op: "max_axis", name: "axis", value: axis.to_string(), why });
    }
    let mut out = Tensor::scratch(shape);
    let numbers = x.as_slice();
    for_pieces(out.as_mut_slice(), (PIECE / cut.len).max(1), x.numel(), |start, piece| {
        if cut.inner == 1 {
            for (row, out) in numbers[start * cut.len..].chunks_exact(cut.len).zip(piece) {
                *out = vectorized(
                    #[inline(always)]
                    || reduction::max(row),
                );
            }
            return;
        }
        for_blocks(start, piece, cut.inner, |start, block| {
            let from = start / cut.inner * cut.len * cut.inner + start % cut.inner;
            block.copy_from_slice(&numbers[from..][..block.len()]);
            for k in 1..cut.len {
                let row = &numbers[from + k * cut.inner..];
                for (most, &x) in block.iter_mut().zip(row) {
                    *most = most.maximum(x);
                }
            }
        });
    });
    Ok(out)
}

/// The adjoint of broadcasting: `x` summed over every axis along which `shape` is broadcast to x's shape.
///
/// # Errors
/// [`Error::Mismatch`] when `shape` does not broadcast to x's shape.
pub fn sum_to<T: Element>(x: &Tensor<T>, shape: &Shape) -> Result<Tensor<T>> {
    const OP: &str = "sum_to";
    if Shape::broadcast(OP, x.shape(), shape)? != *x.shape() {
        let why = "the second must broadcast to the first";
        return Err(Error::Mismatch { op: OP, left: *x.shape(), right: *shape, why });
    }
    // Merged, the axes alternate between kept and summed ones; the summed are taken from the last to the first.
    let walk = Odometer::stretched(shape, x.shape());
    let mut sum = x.clone();
    let mut inner = 1;
    let mut outer = x.numel();
    for (len, stride) in walk.axes().rev() {
        outer = outer.checked_div(len).unwrap_or(0);
        if stride == 0 && len != 1 {
            // An empty axis that is summed leaves zeros.
            let outer = if len == 0 { shape.numel() / inner.max(1) } else { outer };
            sum = sum_middle(sum, Cut { outer, len, inner });
        } else {
            inner *= len;
        }
    }
    sum.reshape(*shape)
}

/// A tensor seen as three axes, of which the middle one is reduced.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cut {
    pub(super) outer: usize,
    pub(super) len: usize,
    pub(super) inner: usize,
}

/// The cut at an axis, and the shape of the reduced tensor.
pub(super) fn cut_at(op: &'static str, shape: &Shape, axis: usize, keep: KeepDim) -> Result<(Cut, Shape)> {
    let dims = shape.dims();
    let Some(&len) = dims.get(axis) else {
        let why = format!("{shape} has {} axes, counted from 0", dims.len());
        return Err(Error::Parameter { op, name: "axis", value: axis.to_string(), why });
    };
    let mut left = dims.to_vec();
    if keep == KeepDim::Yes {
        left[axis] = 1;
    } else {
        left.remove(axis);
    }
    let (before, after) = (&dims[..axis], &dims[axis + 1..]);
    Ok((Cut { outer: before.iter().product(), len, inner: after.iter().product() }, Shape::new(&left)?))
}

/// Σ over the middle axis, as a tensor of `outer · inner` numbers.
///
/// A tree of constant shape: sums of at most [`ROWS`] rows (or, when the summed axis is contiguous, of one
/// piece), then sums of those sums.
pub(super) fn sum_middle<T: Element>(x: Tensor<T>, cut: Cut) -> Tensor<T> {
    let Cut { outer, len, inner } = cut;
    let most = if inner == 1 { PIECE } else { ROWS };
    let parts = len.div_ceil(most).max(1);
    let mut out = Tensor::scratch([outer, parts, inner]);
    let numbers = x.as_slice();
    let piece = (PIECE / len.clamp(1, most)).max(1);
    for_pieces(out.as_mut_slice(), piece, x.numel(), |start, piece| {
        if inner == 1 {
            for (i, out) in (start..).zip(piece) {
                let (row, part) = (&numbers[i / parts * len..][..len], i % parts);
                let row = &row[part * most..len.min((part + 1) * most)];
                let [sum] = vectorized(
                    #[inline(always)]
                    || {
                        reduction::sums(
                            row,
                            #[inline(always)]
                            |[sum], x| [sum + x],
                        )
                    },
                );
                *out = T::from_f64(sum);
            }
            return;
        }
        for_blocks(start, piece, inner, |start, block| {
            let (row, column) = (start / inner, start % inner);
            let (outer, part) = (row / parts, row % parts);
            let rows = part * most..len.min((part + 1) * most);
            let first = (outer * len + rows.start) * inner + column;
            sum_rows(block, &numbers[first.min(numbers.len())..], rows.len(), inner);
        });
    });
    if parts > 1 { sum_middle(out, Cut { outer, len: parts, inner }) } else { out }
}

/// `out ← Σ_k x[k · stride..]`, four rows at a time, which writes the partial sums a quarter as often.
fn sum_rows<T: Element>(out: &mut [T], x: &[T], rows: usize, stride: usize) {
    vectorized(
        #[inline(always)]
        || {
            let n = out.len();
            out.fill(T::ZERO);
            let mut k = 0;
            while k + 4 <= rows {
                let [a, b, c, d] = [0, 1, 2, 3].map(|i| &x[(k + i) * stride..][..n]);
                for j in 0..n {
                    out[j] += (a[j] + b[j]) + (c[j] + d[j]);
                }
                k += 4;
            }
            for k in k..rows {
                for (sum, &x) in out.iter_mut().zip(&x[k * stride..]) {
                    *sum += x;
                }
            }
        },
    );
}

#[cfg(test)]
mod tests;
