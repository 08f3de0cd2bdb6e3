//! Shapes that may be refused: those of unknown lengths, those of two operands, and those that an operation demands.

use crate::{Error, MAX_RANK, Result, Shape};

impl Shape {
    /// A shape of up to [`MAX_RANK`] axes whose product fits in `usize`.
    ///
    /// # Errors
    /// [`Error::Parameter`] when there are more axes, or more elements than memory can address.
    pub fn new(dims: &[usize]) -> Result<Shape> {
        let refuse = |why: &str| Error::Parameter {
            op: "shape",
            name: "dims",
            value: format!("{dims:?}"),
            why: why.to_string(),
        };
        if dims.len() > MAX_RANK {
            return Err(refuse("a tensor has at most 6 axes"));
        }
        let elements = dims.iter().try_fold(1usize, |product, &d| product.checked_mul(d));
        if elements.is_none_or(|n| n > isize::MAX as usize / 16) {
            return Err(refuse("more elements than memory can hold"));
        }
        Ok(Shape::of_dims(dims))
    }

    /// The shape that two operands broadcast to: axes are aligned at the end, and an axis of length 1
    /// stretches to the other's length.
    ///
    /// # Errors
    /// [`Error::Mismatch`] when two aligned axes differ and neither is 1.
    pub fn broadcast(op: &'static str, left: &Shape, right: &Shape) -> Result<Shape> {
        let rank = left.rank().max(right.rank());
        let mut dims = [1; MAX_RANK];
        for back in 1..=rank {
            dims[rank - back] = match (from_end(left, back), from_end(right, back)) {
                (l, r) if l == r => l,
                (1, r) => r,
                (l, 1) => l,
                _ => {
                    let why = "aligned at the end, axes must be equal or 1";
                    return Err(Error::Mismatch { op, left: *left, right: *right, why });
                }
            };
        }
        Ok(Shape::of_dims(&dims[..rank]))
    }

    /// Refuses two shapes that differ; `why` says what must be the same.
    ///
    /// # Errors
    /// [`Error::Mismatch`].
    pub(crate) fn check_same(op: &'static str, left: &Shape, right: &Shape, why: &'static str) -> Result<()> {
        if left == right { Ok(()) } else { Err(Error::Mismatch { op, left: *left, right: *right, why }) }
    }

    /// The four lengths of a picture batch: samples, channels, height, width.
    ///
    /// # Errors
    /// [`Error::Unfit`] when there are not exactly four axes.
    pub fn nchw(&self, op: &'static str) -> Result<[usize; 4]> {
        self.exactly(op, "must have four axes: samples, channels, height, width")
    }

    /// The lengths as an array, when there are exactly `N` axes.
    ///
    /// # Errors
    /// [`Error::Unfit`] with `why` otherwise.
    pub fn exactly<const N: usize>(&self, op: &'static str, why: &str) -> Result<[usize; N]> {
        self.dims().try_into().map_err(|_| Error::Unfit { op, shape: *self, why: why.to_string() })
    }
}

/// The length of an axis counted from the end, from 1; where there is none, 1, as broadcasting has it.
fn from_end(shape: &Shape, back: usize) -> usize {
    if back <= shape.rank() { shape.dims()[shape.rank() - back] } else { 1 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn broadcasting_aligns_at_the_end() {
        let b = |l: &[usize], r: &[usize]| {
            Shape::broadcast("add", &Shape::new(l).unwrap(), &Shape::new(r).unwrap())
        };
        assert_eq!(b(&[2, 1, 4], &[3, 1]).unwrap().dims(), [2, 3, 4]);
        assert_eq!(b(&[], &[3, 0]).unwrap().dims(), [3, 0]);
        let error = b(&[2, 3], &[2, 4]).unwrap_err().to_string();
        assert_eq!(
            error,
            "add: shapes [2, 3] and [2, 4] do not fit: aligned at the end, axes must be equal or 1"
        );
    }

    #[test]
    fn what_memory_cannot_hold_is_refused() {
        assert!(Shape::new(&[usize::MAX, 2]).is_err());
        assert!(Shape::new(&[1; 7]).is_err());
    }
}
