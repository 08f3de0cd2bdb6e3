//! Joining, cutting and mirroring: operations that move numbers and compute nothing.

use super::pieces::{PIECE, for_pieces};
use super::reduce::{KeepDim, cut_at};
use crate::{Accumulate, Element, Error, Result, Shape, Tensor};

/// Tensors joined along an axis in the given order. They agree in all other axes.
///
/// # Errors
/// [`Error::Parameter`] when there is no tensor or no such axis; [`Error::Mismatch`] when other axes differ.
pub fn concat<T: Element>(parts: &[&Tensor<T>], axis: usize) -> Result<Tensor<T>> {
    const OP: &str = "concat";
    let Some(first) = parts.first() else {
        let why = "there is nothing to join".to_string();
        return Err(Error::Parameter { op: OP, name: "parts", value: "[]".to_string(), why });
    };
    let (cut, _) = cut_at(OP, first.shape(), axis, KeepDim::Yes)?;
    let mut dims = first.dims().to_vec();
    dims[axis] = 0;
    for part in parts {
        let fits = part.rank() == dims.len()
            && (0..dims.len()).all(|a| a == axis || part.dims()[a] == first.dims()[a]);
        if !fits {
            let why = "they must agree in every axis but the one that they are joined along";
            return Err(Error::Mismatch { op: OP, left: *first.shape(), right: *part.shape(), why });
        }
        dims[axis] += part.dims()[axis];
    }
    let mut out = Tensor::scratch(Shape::new(&dims)?);
    let row = dims[axis] * cut.inner;
    let (work, rows) = (out.numel(), (PIECE / row.max(1)).max(1));
    for_pieces(out.as_mut_slice(), rows * row, work, |start, piece| {
        for (i, mut rest) in (start / row..).zip(piece.chunks_exact_mut(row)) {
            for part in parts {
                let len = part.dims()[axis] * cut.inner;
                let (to, after) = rest.split_at_mut(len);
                to.copy_from_slice(&part.as_slice()[i * len..][..len]);
                rest = after;
            }
        }
    });
    Ok(out)
}

/// A tensor cut along an axis into parts of the given lengths, which sum to the axis's length: the inverse of [`concat()`],
/// and its adjoint.
///
/// # Errors
/// [`Error::Parameter`] when there is no such axis, or the lengths do not add up to it.
pub fn split<T: Element>(x: &Tensor<T>, axis: usize, lengths: &[usize]) -> Result<Vec<Tensor<T>>> {
    const OP: &str = "split";
    let (cut, _) = cut_at(OP, x.shape(), axis, KeepDim::Yes)?;
    if lengths.iter().sum::<usize>() != cut.len {
        let why = format!("must add up to {}, the length of axis {axis} of {}", cut.len, x.shape());
        return Err(Error::Parameter { op: OP, name: "lengths", value: format!("{lengths:?}"), why });
    }
    let mut start = 0;
    let mut part = |&len: &usize| {
        let part = narrow(x, axis, start, len);
        start += len;
        part
    };
    lengths.iter().map(&mut part).collect()
}

/// The part of a tensor whose index along `axis` lies in `start..start + len`.
///
/// # Errors
/// [`Error::Parameter`] when there is no such axis, or the range leaves it.
pub fn narrow<T: Element>(x: &Tensor<T>, axis: usize, start: usize, len: usize) -> Result<Tensor<T>> {
    let strip = Strip::new("narrow", x.shape(), axis, start, len)?;
    let mut out = Tensor::scratch(with_axis(x.shape(), axis, len)?);
    let work = out.numel();
    for_pieces(out.as_mut_slice(), strip.rows * strip.len, work, |at, piece| {
        for (i, to) in (at / strip.len..).zip(piece.chunks_exact_mut(strip.len)) {
            to.copy_from_slice(&x.as_slice()[i * strip.row + strip.start..][..strip.len]);
        }
    });
    Ok(out)
}

/// The adjoint of [`narrow`]: writes `dy` to `out`, which has the input's shape, from index `start` along `axis`, and zeros
/// elsewhere ([`Accumulate::Overwrite`]); or adds it there ([`Accumulate::Add`]).
///
/// # Errors
/// [`Error::Parameter`] when there is no such axis, or the range leaves it; [`Error::Mismatch`] when `dy` and
/// `out` differ in another axis.
pub fn narrow_backward<T: Element>(
    dy: &Tensor<T>,
    axis: usize,
    start: usize,
    out: &mut Tensor<T>,
    how: Accumulate,
) -> Result<()> {
    const OP: &str = "narrow_backward";
    let len = dy.dims().get(axis).copied().unwrap_or(0);
    let strip = Strip::new(OP, out.shape(), axis, start, len)?;
    if *dy.shape() != with_axis(out.shape(), axis, len)? {
        let why = "they must agree in every axis but the narrowed one";
        return Err(Error::Mismatch { op: OP, left: *dy.shape(), right: *out.shape(), why });
    }
    let (work, rows) = (out.numel(), (PIECE / strip.row.max(1)).max(1));
    for_pieces(out.as_mut_slice(), rows * strip.row, work, |at, piece| {
        for (i, to) in (at / strip.row..).zip(piece.chunks_exact_mut(strip.row)) {
            let from = &dy.as_slice()[i * strip.len..][..strip.len];
            let inside = strip.start..strip.start + strip.len;
            match how {
                Accumulate::Overwrite => {
                    to[..inside.start].fill(T::ZERO);
                    to[inside.end..].fill(T::ZERO);
                    to[inside].copy_from_slice(from);
                }
                Accumulate::Add => to[inside].iter_mut().zip(from).for_each(|(to, &from)| *to += from),
            }
        }
    });
    Ok(())
}

/// Pictures mirrored left to right: the last axis reversed. Its own inverse, and its own adjoint.
///
/// # Errors
/// [`Error::Unfit`] when there are no axes.
pub fn flip_horizontal<T: Element>(x: &Tensor<T>) -> Result<Tensor<T>> {
    let Some(&width) = x.dims().last() else {
        let why = "has no axis to mirror".to_string();
        return Err(Error::Unfit { op: "flip_horizontal", shape: *x.shape(), why });
    };
    let mut out = Tensor::scratch(*x.shape());
    let (work, rows) = (out.numel(), (PIECE / width.max(1)).max(1));
    for_pieces(out.as_mut_slice(), rows * width, work, |start, piece| {
        let from = x.as_slice()[start..].chunks_exact(width.max(1));
        for (to, from) in piece.chunks_exact_mut(width.max(1)).zip(from) {
            to.iter_mut().zip(from.iter().rev()).for_each(|(to, &from)| *to = from);
        }
    });
    Ok(out)
}

fn with_axis(shape: &Shape, axis: usize, len: usize) -> Result<Shape> {
    let mut dims = shape.dims().to_vec();
    dims[axis] = len;
    Shape::new(&dims)
}

/// A range of an axis, as runs of contiguous numbers.
struct Strip {
    /// Elements of the whole tensor from one run to the next.
    row: usize,
    /// Where in its row a run begins.
    start: usize,
    /// Elements of a run.
    len: usize,
    /// Runs that make a piece.
    rows: usize,
}

impl Strip {
    fn new(op: &'static str, shape: &Shape, axis: usize, start: usize, len: usize) -> Result<Strip> {
        let (cut, _) = cut_at(op, shape, axis, KeepDim::Yes)?;
        if start.checked_add(len).is_none_or(|end| end > cut.len) {
            let why = format!("leaves axis {axis} of {shape}, which has {} places", cut.len);
            let value = format!("{len} places from {start}");
            return Err(Error::Parameter { op, name: "range", value, why });
        }
        let run = len * cut.inner;
        Ok(Strip {
            row: cut.len * cut.inner,
            start: start * cut.inner,
            len: run,
            rows: (PIECE / run.max(1)).max(1),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::values;

    #[test]
    fn what_is_joined_comes_apart_again() {
        for axis in 0..3 {
            let lengths = [1, 3, 0, 7];
            let dims = |len| {
                [2, 5, 53].iter().enumerate().fold([0; 3], |mut all, (a, &d)| {
                    all[a] = if a == axis { len } else { d };
                    all
                })
            };
            let parts: Vec<Tensor<f32>> = (0..4).map(|i| values(dims(lengths[i]), 10 + i as u64)).collect();
            let whole = concat(&parts.iter().collect::<Vec<_>>(), axis).unwrap();
            assert_eq!(whole.dims(), dims(11));
            let again = split(&whole, axis, &lengths).unwrap();
            for (part, again) in parts.iter().zip(&again) {
                assert_eq!((part.shape(), part.as_slice()), (again.shape(), again.as_slice()));
            }
            // Each place of the whole comes from the place of the part that it should.
            let strides = whole.shape().strides();
            for (i, &x) in whole.as_slice().iter().enumerate() {
                let index = [0, 1, 2].map(|a| i / strides[a] % whole.dims()[a]);
                let (part, start) = if index[axis] < 1 {
                    (0, 0)
                } else if index[axis] < 4 {
                    (1, 1)
                } else {
                    (3, 4)
                };
                let own = parts[part].shape().strides();
                let at =
                    (0..3).map(|a| (index[a] - if a == axis { start } else { 0 }) * own[a]).sum::<usize>();
                assert_eq!(x, parts[part].as_slice()[at]);
            }
        }
    }

    #[test]
    fn narrowing_and_its_adjoint() {
        let x = values::<f64>([3, 50, 301], 1);
        for (axis, start, len) in [(0, 1, 2), (1, 7, 31), (2, 300, 1), (2, 0, 0), (1, 0, 50)] {
            let y = narrow(&x, axis, start, len).unwrap();
            let dy = values::<f64>(*y.shape(), 2);
            let mut dx = Tensor::scratch(*x.shape());
            narrow_backward(&dy, axis, start, &mut dx, Accumulate::Overwrite).unwrap();
            let dot = |a: &Tensor<f64>, b: &Tensor<f64>| crate::ops::dot(a, b).unwrap();
            assert!((dot(&y, &dy) - dot(&x, &dx)).abs() < 1e-9);
            assert_eq!(narrow(&dx, axis, start, len).unwrap().as_slice(), dy.as_slice());
            narrow_backward(&dy, axis, start, &mut dx, Accumulate::Add).unwrap();
            assert!((2.0 * dot(&y, &dy) - dot(&x, &dx)).abs() < 1e-9);
        }
        let message = narrow(&x, 1, 40, 11).unwrap_err().to_string();
        assert!(message.contains("11 places from 40: leaves axis 1 of [3, 50, 301]"), "{message}");
        assert!(narrow(&x, 3, 0, 1).is_err());
        assert!(split(&x, 0, &[1, 1]).is_err());
        assert!(concat::<f32>(&[], 0).is_err());
        let (a, b) = (values::<f32>([2, 3], 1), values::<f32>([2, 4], 1));
        assert!(concat(&[&a, &b], 0).is_err());
    }

    #[test]
    fn mirroring_twice_changes_nothing() {
        let x = values::<f32>([2, 3, 70, 101], 1);
        let y = flip_horizontal(&x).unwrap();
        assert_eq!(y.as_slice()[0], x.as_slice()[100]);
        assert_eq!(flip_horizontal(&y).unwrap().as_slice(), x.as_slice());
    }
}
