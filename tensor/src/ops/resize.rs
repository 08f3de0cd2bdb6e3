//! Pictures made larger and smaller: nearest-neighbour up-sampling, average pooling, zero padding.

use super::Padding;
use super::pieces::{PIECE, for_pieces};
use crate::{Element, Error, Result, Shape, Tensor};

/// Nearest-neighbour up-sampling: `[n, c, h, w]` to `[n, c, h·factor, w·factor]`, each number repeated in a square.
///
/// # Errors
/// [`Error::Unfit`] when `x` is not `[n, c, h, w]`; [`Error::Parameter`] when `factor` is 0.
pub fn upsample_nearest<T: Element>(x: &Tensor<T>, factor: usize) -> Result<Tensor<T>> {
    const OP: &str = "upsample_nearest";
    let [n, c, h, w] = x.shape().nchw(OP)?;
    at_least_one(OP, "factor", factor)?;
    let shape = Shape::new(&[n, c, h.saturating_mul(factor), w.saturating_mul(factor)])?;
    let mut out = Tensor::scratch(shape);
    // One line of the input becomes `factor` lines of the output.
    let (line, band) = (w * factor, w * factor * factor);
    let work = out.numel();
    for_pieces(out.as_mut_slice(), whole(band), work, |start, piece| {
        let lines = x.as_slice()[start / (factor * factor)..].chunks_exact(w);
        for (band, from) in piece.chunks_exact_mut(band).zip(lines) {
            let (first, copies) = band.split_at_mut(line);
            if factor == 2 {
                for (to, &from) in first.as_chunks_mut::<2>().0.iter_mut().zip(from) {
                    *to = [from; 2];
                }
            } else {
                first.chunks_exact_mut(factor).zip(from).for_each(|(to, &from)| to.fill(from));
            }
            copies.chunks_exact_mut(line).for_each(|copy| copy.copy_from_slice(first));
        }
    });
    Ok(out)
}

/// The adjoint of [`upsample_nearest`]: each number is the sum of its square in `dy`.
///
/// # Errors
/// [`Error::Unfit`] when `dy` is not `[n, c, h, w]` with h and w multiples of `factor`; [`Error::Parameter`] when
/// `factor` is 0.
pub fn upsample_nearest_backward<T: Element>(dy: &Tensor<T>, factor: usize) -> Result<Tensor<T>> {
    const OP: &str = "upsample_nearest_backward";
    let [n, c, h, w] = dy.shape().nchw(OP)?;
    at_least_one(OP, "factor", factor)?;
    if !(h.is_multiple_of(factor) && w.is_multiple_of(factor)) {
        let why = format!("must have sides that are multiples of {factor}");
        return Err(Error::Unfit { op: OP, shape: *dy.shape(), why });
    }
    Ok(sum_windows(dy, [n, c, h / factor, w / factor], [h, w], factor, factor, T::ONE))
}

/// Means over squares of side `kernel`, `stride` apart, without padding: `[n, c, h, w]` to
/// `[n, c, (h − kernel) / stride + 1, (w − kernel) / stride + 1]`.
///
/// # Errors
/// [`Error::Unfit`] when `x` is not `[n, c, h, w]` or smaller than the square; [`Error::Parameter`] when `kernel` or
/// `stride` is 0.
pub fn avg_pool2d<T: Element>(x: &Tensor<T>, kernel: usize, stride: usize) -> Result<Tensor<T>> {
    let ([n, c, h, w], [oh, ow]) = pooled("avg_pool2d", x.shape(), kernel, stride)?;
    Ok(sum_windows(x, [n, c, oh, ow], [h, w], kernel, stride, area_share(kernel)))
}

/// The adjoint of [`avg_pool2d`] for an input of shape `x_shape`: each number of `dy` is spread evenly over its
/// square.
///
/// # Errors
/// As [`avg_pool2d`] for `x_shape`, and [`Error::Mismatch`] when `dy` does not have the pooled shape.
pub fn avg_pool2d_backward<T: Element>(
    dy: &Tensor<T>,
    x_shape: &Shape,
    kernel: usize,
    stride: usize,
) -> Result<Tensor<T>> {
    const OP: &str = "avg_pool2d_backward";
    let ([n, c, h, w], [oh, ow]) = pooled(OP, x_shape, kernel, stride)?;
    let expected = Shape::from([n, c, oh, ow]);
    if *dy.shape() != expected {
        let why = "the gradient must have the pooled shape";
        return Err(Error::Mismatch { op: OP, left: *dy.shape(), right: expected, why });
    }
    if kernel == stride && [oh * kernel, ow * kernel] == [h, w] {
        return Ok(super::scale(upsample_nearest(dy, kernel)?, area_share::<f64>(kernel)));
    }
    let share = area_share::<T>(kernel);
    let mut dx = Tensor::scratch(*x_shape);
    let work = dx.numel();
    for_pieces(dx.as_mut_slice(), whole(h * w), work, |start, piece| {
        piece.fill(T::ZERO);
        let planes = dy.as_slice()[start / (h * w) * (oh * ow)..].chunks_exact(oh * ow);
        for (dx, dy) in piece.chunks_exact_mut(h * w).zip(planes) {
            for (i, dy) in dy.chunks_exact(ow).enumerate() {
                for line in dx[i * stride * w..].chunks_mut(w).take(kernel) {
                    for (j, &dy) in dy.iter().enumerate() {
                        line[j * stride..][..kernel].iter_mut().for_each(|dx| *dx += dy * share);
                    }
                }
            }
        }
    });
    Ok(dx)
}

/// Pictures `[n, c, h, w]` with zeros around them.
///
/// # Errors
/// [`Error::Unfit`] when `x` is not `[n, c, h, w]`; [`Error::Parameter`] when the result is too large.
pub fn pad2d<T: Element>(x: &Tensor<T>, padding: Padding) -> Result<Tensor<T>> {
    let [n, c, h, w] = x.shape().nchw("pad2d")?;
    let Padding { top, bottom, left, right } = padding;
    let grown = |len: usize, a: usize, b: usize| len.saturating_add(a).saturating_add(b);
    let (tall, wide) = (grown(h, top, bottom), grown(w, left, right));
    let mut out = Tensor::scratch(Shape::new(&[n, c, tall, wide])?);
    let work = out.numel();
    for_pieces(out.as_mut_slice(), whole(tall * wide), work, |start, piece| {
        piece.fill(T::ZERO);
        for (i, plane) in (start / (tall * wide)..).zip(piece.chunks_exact_mut(tall * wide)) {
            for line in 0..h {
                let from = &x.as_slice()[(i * h + line) * w..][..w];
                plane[(line + top) * wide + left..][..w].copy_from_slice(from);
            }
        }
    });
    Ok(out)
}

/// The adjoint of [`pad2d`]: the same margins cut off.
///
/// # Errors
/// [`Error::Unfit`] when `x` is not `[n, c, h, w]`, or smaller than its margins.
pub fn crop2d<T: Element>(x: &Tensor<T>, padding: Padding) -> Result<Tensor<T>> {
    const OP: &str = "crop2d";
    let [n, c, tall, wide] = x.shape().nchw(OP)?;
    let Padding { top, bottom, left, right } = padding;
    let inside = |len: usize, a: usize, b: usize| len.checked_sub(a)?.checked_sub(b);
    let (Some(h), Some(w)) = (inside(tall, top, bottom), inside(wide, left, right)) else {
        let why = format!("is smaller than the margins {top} + {bottom} and {left} + {right}");
        return Err(Error::Unfit { op: OP, shape: *x.shape(), why });
    };
    let mut out = Tensor::scratch([n, c, h, w]);
    let work = out.numel();
    for_pieces(out.as_mut_slice(), whole(h * w), work, |start, piece| {
        for (i, plane) in (start / (h * w)..).zip(piece.chunks_exact_mut(h * w)) {
            for (line, to) in plane.chunks_exact_mut(w).enumerate() {
                to.copy_from_slice(&x.as_slice()[(i * tall + line + top) * wide + left..][..w]);
            }
        }
    });
    Ok(out)
}

/// A piece of whole units of this many elements.
fn whole(unit: usize) -> usize {
    (PIECE / unit.max(1)).max(1) * unit
}

/// share · Σ over squares of side `kernel`, `stride` apart.
fn sum_windows<T: Element>(
    x: &Tensor<T>,
    [n, c, oh, ow]: [usize; 4],
    [h, w]: [usize; 2],
    kernel: usize,
    stride: usize,
    share: T,
) -> Tensor<T> {
    let mut out = Tensor::scratch([n, c, oh, ow]);
    let work = x.numel();
    for_pieces(out.as_mut_slice(), whole(oh * ow), work, |start, piece| {
        let planes = x.as_slice()[start / (oh * ow) * (h * w)..].chunks_exact(h * w);
        for (out, x) in piece.chunks_exact_mut(oh * ow).zip(planes) {
            for (i, out) in out.chunks_exact_mut(ow).enumerate() {
                let lines = &x[i * stride * w..];
                if kernel == 2 && stride == 2 {
                    halve(out, &lines[..w], &lines[w..][..w], share);
                    continue;
                }
                for (j, out) in out.iter_mut().enumerate() {
                    let mut sum = T::ZERO;
                    for line in lines.chunks(w).take(kernel) {
                        line[j * stride..][..kernel].iter().for_each(|&x| sum += x);
                    }
                    *out = sum * share;
                }
            }
        }
    });
    out
}

/// The usual case, squares of side 2 side by side, in a form that becomes vector code.
fn halve<T: Element>(out: &mut [T], above: &[T], below: &[T], share: T) {
    let pairs = above.as_chunks::<2>().0.iter().zip(below.as_chunks::<2>().0);
    for (out, (&[a, b], &[c, d])) in out.iter_mut().zip(pairs) {
        *out = ((a + b) + (c + d)) * share;
    }
}

fn area_share<T: Element>(kernel: usize) -> T {
    T::from_f64(1.0 / (kernel as f64 * kernel as f64))
}

fn at_least_one(op: &'static str, name: &'static str, value: usize) -> Result<()> {
    if value == 0 {
        let why = "must be at least 1".to_string();
        return Err(Error::Parameter { op, name, value: value.to_string(), why });
    }
    Ok(())
}

fn pooled(op: &'static str, shape: &Shape, kernel: usize, stride: usize) -> Result<([usize; 4], [usize; 2])> {
    let dims @ [_, _, h, w] = shape.nchw(op)?;
    at_least_one(op, "kernel", kernel)?;
    at_least_one(op, "stride", stride)?;
    if h < kernel || w < kernel {
        let why = format!("is smaller than the square of side {kernel}");
        return Err(Error::Unfit { op, shape: *shape, why });
    }
    Ok((dims, [h, w].map(|len| (len - kernel) / stride + 1)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::{assert_close, values};
    use crate::ops::dot;

    const SHAPES: [[usize; 4]; 5] = [[1, 1, 1, 1], [2, 3, 5, 7], [1, 2, 4, 6], [3, 5, 60, 62], [0, 1, 2, 2]];

    fn at(x: &Tensor<f64>, plane: usize, i: usize, j: usize) -> f64 {
        let [_, _, h, w] = x.shape().nchw("test").unwrap();
        x.as_slice()[(plane * h + i) * w + j]
    }

    #[test]
    fn upsampling_repeats_and_its_adjoint_adds() {
        for dims in SHAPES {
            for factor in [1, 2, 3] {
                let x = values::<f64>(dims, 1);
                let y = upsample_nearest(&x, factor).unwrap();
                let [_, _, h, w] = y.shape().nchw("test").unwrap();
                for k in 0..y.numel() {
                    let (plane, i, j) = (k / (h * w), k / w % h, k % w);
                    assert_eq!(y.as_slice()[k], at(&x, plane, i / factor, j / factor));
                }
                let dy = values::<f64>(*y.shape(), 2);
                let dx = upsample_nearest_backward(&dy, factor).unwrap();
                assert_close(&[dot(&x, &dx).unwrap()], &[dot(&y, &dy).unwrap()], 1e-11);
            }
        }
        let x = values::<f32>([1, 1, 3, 4], 1);
        assert!(upsample_nearest_backward(&x, 2).is_err());
        assert!(upsample_nearest(&x, 0).is_err());
    }

    #[test]
    fn pooling_averages_and_its_adjoint_spreads() {
        for dims in SHAPES {
            for (kernel, stride) in [(1, 1), (2, 2), (3, 2), (3, 1), (2, 3)] {
                let x = values::<f64>(dims, 1);
                if dims[2].min(dims[3]) < kernel {
                    assert!(avg_pool2d(&x, kernel, stride).is_err());
                    continue;
                }
                let y = avg_pool2d(&x, kernel, stride).unwrap();
                let [_, _, h, w] = y.shape().nchw("test").unwrap();
                let expected: Vec<f64> = (0..y.numel())
                    .map(|k| {
                        let (plane, i, j) = (k / (h * w), k / w % h * stride, k % w * stride);
                        let square =
                            (0..kernel * kernel).map(|s| at(&x, plane, i + s / kernel, j + s % kernel));
                        square.sum::<f64>() / (kernel * kernel) as f64
                    })
                    .collect();
                assert_close(y.as_slice(), &expected, 1e-13);
                assert_close(
                    avg_pool2d(&x.cast::<f32>(), kernel, stride).unwrap().as_slice(),
                    &expected,
                    1e-6,
                );
                let dy = values::<f64>(*y.shape(), 2);
                let dx = avg_pool2d_backward(&dy, x.shape(), kernel, stride).unwrap();
                assert_close(&[dot(&x, &dx).unwrap()], &[dot(&y, &dy).unwrap()], 1e-11);
                // ⟨x, dx⟩ alone would not see dx in the wrong place of one square.
                let unit = Tensor::from_fn(*y.shape(), |i| if i == 0 { 1.0 } else { 0.0 });
                let dx = avg_pool2d_backward(&unit, x.shape(), kernel, stride).unwrap();
                assert_close(&[dot(&x, &dx).unwrap()], &[expected.first().copied().unwrap_or(0.0)], 1e-12);
            }
        }
    }

    #[test]
    fn padding_and_cropping_are_adjoint() {
        for dims in SHAPES {
            let padding = Padding { top: 0, bottom: 1, left: 2, right: 3 };
            let x = values::<f64>(dims, 1);
            let y = pad2d(&x, padding).unwrap();
            assert_eq!(y.dims(), [dims[0], dims[1], dims[2] + 1, dims[3] + 5]);
            assert_eq!(crop2d(&y, padding).unwrap().as_slice(), x.as_slice());
            assert_close(&[dot(&x, &x).unwrap()], &[dot(&y, &y).unwrap()], 1e-11);
            let dy = values::<f64>(*y.shape(), 2);
            let dx = crop2d(&dy, padding).unwrap();
            assert_close(&[dot(&x, &dx).unwrap()], &[dot(&y, &dy).unwrap()], 1e-11);
        }
        let x = values::<f32>([1, 1, 2, 2], 1);
        assert!(crop2d(&x, Padding { top: 2, bottom: 1, ..Padding::default() }).is_err());
    }
}
