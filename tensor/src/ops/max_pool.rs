use super::Padding;
use super::pieces::{PIECE, for_pieces};
use crate::{Element, Error, Result, Shape, Tensor};

/// Maxima over squares of side `kernel`, `stride` apart, of pictures `[n, c, h, w]` with `padding` of −∞
/// around them; NaN where a square has one. `[n, c, h', w']` with h' = ⌊(h + top + bottom − kernel) / stride⌋ + 1.
///
/// # Errors
/// [`Error::Unfit`] when `x` is not `[n, c, h, w]`, or smaller than the square with its padding; [`Error::Parameter`]
/// when `kernel` or `stride` is 0, or padding reaches over a whole square.
pub fn max_pool2d<T: Element>(
    x: &Tensor<T>,
    kernel: usize,
    stride: usize,
    padding: Padding,
) -> Result<Tensor<T>> {
    const OP: &str = "max_pool2d";
    let [n, c, h, w] = x.shape().nchw(OP)?;
    for (name, value) in [("kernel", kernel), ("stride", stride)] {
        if value == 0 {
            return Err(Error::Parameter {
                op: OP,
                name,
                value: "0".into(),
                why: "must be at least 1".into(),
            });
        }
    }
    let Padding { top, bottom, left, right } = padding;
    if [top, bottom, left, right].iter().any(|&side| side >= kernel) {
        let why = format!("must be below the kernel, {kernel}: a square of padding alone has no maximum");
        return Err(Error::Parameter { op: OP, name: "padding", value: format!("{padding:?}"), why });
    }
    let (Some(tall), Some(wide)) =
        ((h + top + bottom).checked_sub(kernel), (w + left + right).checked_sub(kernel))
    else {
        let why = format!("is smaller than squares of side {kernel}");
        return Err(Error::Unfit { op: OP, shape: *x.shape(), why });
    };
    let (high, broad) = (tall / stride + 1, wide / stride + 1);
    let mut out = Tensor::scratch(Shape::new(&[n, c, high, broad])?);
    let (plane, work) = (high * broad, x.numel());
    for_pieces(out.as_mut_slice(), (PIECE / plane).max(1) * plane, work, |start, piece| {
        let planes = x.as_slice()[start / plane * (h * w)..].chunks_exact(h * w);
        for (out, x) in piece.chunks_exact_mut(plane).zip(planes) {
            for (at, most) in out.iter_mut().enumerate() {
                let (rows, columns) = (
                    inside(at / broad * stride, top, kernel, h),
                    inside(at % broad * stride, left, kernel, w),
                );
                let lines = rows.map(|row| &x[row * w..][columns.clone()]);
                *most = lines.flatten().fold(T::NEG_INFINITY, |most, &x| most.maximum(x));
            }
        }
    });
    Ok(out)
}

/// The part of a picture of `size` that a window covers which begins at `start`, counted with the `padding`.
fn inside(start: usize, padding: usize, kernel: usize, size: usize) -> std::ops::Range<usize> {
    start.saturating_sub(padding)..(start + kernel).saturating_sub(padding).min(size)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::values;

    #[test]
    fn agrees_with_the_definition() {
        for (kernel, stride, pad) in [(1, 1, 0), (2, 2, 0), (3, 2, 1), (3, 1, 2), (4, 3, 1)] {
            let x = values::<f64>([2, 3, 6, 5], 7);
            let padding = Padding { top: pad, bottom: 0, left: pad / 2, right: pad };
            let y = max_pool2d(&x, kernel, stride, padding).unwrap();
            let (high, wide) = ((6 + pad - kernel) / stride + 1, (5 + pad / 2 + pad - kernel) / stride + 1);
            assert_eq!(y.dims(), [2, 3, high, wide]);
            for (at, &found) in y.as_slice().iter().enumerate() {
                let (plane, i, j) = (at / (high * wide), at / wide % high, at % wide);
                let mut most = f64::NEG_INFINITY;
                for (u, v) in (0..kernel * kernel).map(|k| (k / kernel, k % kernel)) {
                    let (row, column) = (i * stride + u, j * stride + v);
                    let inside = (pad..pad + 6).contains(&row) && (pad / 2..pad / 2 + 5).contains(&column);
                    if inside {
                        most = most.max(x.as_slice()[(plane * 6 + row - pad) * 5 + column - pad / 2]);
                    }
                }
                assert_eq!(found, most, "{kernel}, {stride}, {pad} at {at}");
            }
        }
    }

    #[test]
    fn misuse_is_named() {
        let x = values::<f32>([1, 1, 2, 2], 1);
        let message =
            |kernel, stride, pad| max_pool2d(&x, kernel, stride, Padding::same(pad)).unwrap_err().to_string();
        assert!(message(0, 1, 0).contains("kernel = 0"));
        assert!(message(1, 0, 0).contains("stride = 0"));
        assert!(message(2, 1, 2).contains("below the kernel, 2"));
        assert!(message(3, 1, 0).contains("smaller than squares of side 3"));
    }
}
