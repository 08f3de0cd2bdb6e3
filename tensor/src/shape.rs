use crate::{Error, Result};
use std::fmt;
use std::ops::Deref;

/// The most axes that a tensor can have.
pub const MAX_RANK: usize = 6;

/// The lengths of a tensor's axes, outermost first. Row-major: the last axis is contiguous in memory.
///
/// ```
/// use tweedie_tensor::Shape;
/// let s = Shape::from([2, 3, 5]);
/// assert_eq!(s.numel(), 30);
/// assert_eq!(s.strides()[..3], [15, 5, 1]);
/// assert_eq!(s.to_string(), "[2, 3, 5]");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Shape {
    dims: [usize; MAX_RANK],
    rank: u8,
}

impl Shape {
    /// The shape of a single number: no axes.
    pub const SCALAR: Shape = Shape { dims: [1; MAX_RANK], rank: 0 };

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
        let mut all = [1; MAX_RANK];
        all[..dims.len()].copy_from_slice(dims);
        Ok(Shape { dims: all, rank: dims.len() as u8 })
    }

    /// The lengths of the axes.
    pub fn dims(&self) -> &[usize] {
        &self.dims[..self.rank as usize]
    }

    /// The number of axes.
    pub fn rank(&self) -> usize {
        self.rank as usize
    }

    /// The number of elements.
    pub fn numel(&self) -> usize {
        self.dims().iter().product()
    }

    /// How many elements lie between neighbours along each axis.
    pub fn strides(&self) -> [usize; MAX_RANK] {
        let mut strides = [1; MAX_RANK];
        for axis in (0..self.rank().saturating_sub(1)).rev() {
            strides[axis] = strides[axis + 1] * self.dims[axis + 1];
        }
        strides
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
            dims[rank - back] = match (left.back_axis(back), right.back_axis(back)) {
                (l, r) if l == r => l,
                (1, r) => r,
                (l, 1) => l,
                _ => {
                    let why = "aligned at the end, axes must be equal or 1";
                    return Err(Error::Mismatch { op, left: *left, right: *right, why });
                }
            };
        }
        Ok(Shape { dims, rank: rank as u8 })
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

    fn back_axis(&self, back: usize) -> usize {
        if back <= self.rank() { self.dims[self.rank() - back] } else { 1 }
    }
}

impl Deref for Shape {
    type Target = [usize];
    fn deref(&self) -> &[usize] {
        self.dims()
    }
}

impl<const N: usize> From<[usize; N]> for Shape {
    fn from(dims: [usize; N]) -> Shape {
        const { assert!(N <= MAX_RANK) };
        let mut all = [1; MAX_RANK];
        all[..N].copy_from_slice(&dims);
        Shape { dims: all, rank: N as u8 }
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.dims())
    }
}

impl fmt::Debug for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
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
