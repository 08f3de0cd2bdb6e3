//! Tensors written out in a program, read by their indices, and printed.

use crate::{Element, Shape, Tensor};
use std::fmt;
use std::ops::{Index, IndexMut};

/// One axis of numbers.
impl<T: Element, const N: usize> From<[T; N]> for Tensor<T> {
    fn from(values: [T; N]) -> Tensor<T> {
        Tensor::from_fn([N], |i| values[i])
    }
}

/// Rows of equal length.
impl<T: Element, const N: usize, const M: usize> From<[[T; M]; N]> for Tensor<T> {
    fn from(rows: [[T; M]; N]) -> Tensor<T> {
        Tensor::from_fn([N, M], |i| rows[i / M][i % M])
    }
}

/// The place in memory of the number at `at`.
#[track_caller]
fn place(shape: &Shape, at: &[usize]) -> usize {
    let inside = at.len() == shape.rank() && at.iter().zip(shape.dims()).all(|(index, len)| index < len);
    assert!(inside, "index: {at:?} is no place in a tensor of shape {shape}");
    at.iter().zip(shape.strides()).map(|(index, stride)| index * stride).sum()
}

/// The number at one index for each axis.
///
/// ```
/// # use tweedie_tensor::Tensor;
/// let mut a = Tensor::from([[1.0f32, 2.0], [3.0, 4.0]]);
/// a[[1, 0]] = 30.0;
/// assert_eq!(a[[1, 0]], 30.0);
/// ```
impl<T: Element, const N: usize> Index<[usize; N]> for Tensor<T> {
    type Output = T;
    /// # Panics
    /// When there is no such place.
    #[track_caller]
    fn index(&self, at: [usize; N]) -> &T {
        &self.as_slice()[place(self.shape(), &at)]
    }
}

impl<T: Element, const N: usize> IndexMut<[usize; N]> for Tensor<T> {
    /// # Panics
    /// When there is no such place.
    #[track_caller]
    fn index_mut(&mut self, at: [usize; N]) -> &mut T {
        let place = place(self.shape(), &at);
        &mut self.as_mut_slice()[place]
    }
}

/// The numbers, a line for each row of the last axis, an empty line between matrices; `{:.3}` rounds to three decimals.
impl<T: Element> fmt::Display for Tensor<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let decimals = f.precision();
        let texts: Vec<String> = self
            .as_slice()
            .iter()
            .map(|x| decimals.map_or_else(|| x.to_string(), |decimals| format!("{x:.decimals$}")))
            .collect();
        let width = texts.iter().map(String::len).max().unwrap_or(0);
        let dims = self.dims();
        let columns = dims.last().copied().unwrap_or(1).max(1);
        let rows = dims.len().checked_sub(2).map_or(1, |axis| dims[axis]).max(1);
        for (i, row) in texts.chunks(columns).enumerate() {
            if i > 0 {
                f.write_str(if i % rows == 0 { "\n\n" } else { "\n" })?;
            }
            for (j, text) in row.iter().enumerate() {
                write!(f, "{}{text:>width$}", if j == 0 { "" } else { " " })?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_printed_as_they_are_written() {
        let a = Tensor::from([[1.0f32, -2.5], [30.0, 0.0]]);
        assert_eq!(a.to_string(), "   1 -2.5\n  30    0");
        assert_eq!(format!("{:.1}", Tensor::from([0.25f64, 10.0])), " 0.2 10.0");
        assert_eq!(Tensor::scalar(7.0f32).to_string(), "7");
        assert_eq!(a.reshape([2, 1, 2]).unwrap().to_string(), "   1 -2.5\n\n  30    0");
        assert_eq!(Tensor::<f32>::zeros([0, 3]).to_string(), "");
        assert_eq!((a[[0, 1]], a[[1, 0]]), (-2.5, 30.0));
    }

    #[test]
    #[should_panic(expected = "index: [0, 2] is no place in a tensor of shape [2, 2]")]
    fn a_place_outside_is_refused() {
        let _ = Tensor::<f32>::zeros([2, 2])[[0, 2]];
    }
}
