use super::pieces::{PIECE, for_pieces};
use crate::{Element, Error, Result, Shape, Tensor};

/// Pictures `[n, c, h, w]` at another size, each number the bilinear interpolation of four. The centres
/// of pixels are half a pixel from their edges: PyTorch's `align_corners=False`, without antialiasing.
///
/// # Errors
/// [`Error::Unfit`] when `x` is not `[n, c, h, w]` or has no pixels; [`Error::Parameter`] for a size without pixels.
pub fn resize_bilinear<T: Element>(x: &Tensor<T>, [high, wide]: [usize; 2]) -> Result<Tensor<T>> {
    const OP: &str = "resize_bilinear";
    let [n, c, h, w] = x.shape().nchw(OP)?;
    if h * w == 0 {
        return Err(Error::Unfit { op: OP, shape: *x.shape(), why: "has no pixels".into() });
    }
    if high * wide == 0 {
        let value = format!("{high} x {wide}");
        return Err(Error::Parameter { op: OP, name: "size", value, why: "has no pixels".into() });
    }
    let (rows, columns) = (between::<T>(h, high), between::<T>(w, wide));
    let mut out = Tensor::scratch(Shape::new(&[n, c, high, wide])?);
    let (plane, work) = (high * wide, out.numel());
    for_pieces(out.as_mut_slice(), (PIECE / plane).max(1) * plane, work, |start, piece| {
        let planes = x.as_slice()[start / plane * (h * w)..].chunks_exact(h * w);
        for (out, x) in piece.chunks_exact_mut(plane).zip(planes) {
            for (line, &(row, row_next, down)) in out.chunks_exact_mut(wide).zip(&rows) {
                let (above, below) = (&x[row * w..][..w], &x[row_next * w..][..w]);
                for (value, &(column, column_next, right)) in line.iter_mut().zip(&columns) {
                    let along = |line: &[T]| line[column] + right * (line[column_next] - line[column]);
                    let (above, below) = (along(above), along(below));
                    *value = above + down * (below - above);
                }
            }
        }
    });
    Ok(out)
}

/// For each of `to` places along an axis of length `from`: the two neighbours between which it lies, and its distance to the
/// first as a part of the distance between them.
fn between<T: Element>(from: usize, to: usize) -> Vec<(usize, usize, T)> {
    let place = |i: usize| {
        let at = ((i as f64 + 0.5) * from as f64 / to as f64 - 0.5).max(0.0);
        let first = (at as usize).min(from - 1);
        (first, (first + 1).min(from - 1), T::from_f64(at - first as f64))
    };
    (0..to).map(place).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::{assert_close, values};

    #[test]
    fn a_line_stays_a_line_and_ends_repeat() {
        let x = Tensor::<f64>::from_fn([1, 1, 1, 4], |i| i as f64);
        let y = resize_bilinear(&x, [2, 8]).unwrap();
        let line = [0.0, 0.25, 0.75, 1.25, 1.75, 2.25, 2.75, 3.0];
        assert_close(y.as_slice(), &[line, line].concat(), 1e-15);
        let half = resize_bilinear(&x, [1, 2]).unwrap();
        assert_close(half.as_slice(), &[0.5, 2.5], 1e-15);
    }

    #[test]
    fn the_same_size_changes_nothing_and_planes_do_not_mix() {
        let x = values::<f32>([2, 3, 5, 4], 3);
        assert_eq!(resize_bilinear(&x, [5, 4]).unwrap().as_slice(), x.as_slice());
        let flat = Tensor::<f32>::from_fn([2, 3, 5, 4], |i| (i / 20) as f32);
        let larger = resize_bilinear(&flat, [7, 9]).unwrap();
        assert!(larger.as_slice().iter().enumerate().all(|(i, &v)| v == (i / 63) as f32));
        assert!(resize_bilinear(&x, [0, 4]).unwrap_err().to_string().contains("size = 0 x 4"));
    }
}
