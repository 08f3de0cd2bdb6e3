use super::pieces::{BLOCK, PIECE, worth_splitting};
use super::unary::{gelu_tanh, gelu_tanh_slope};
use crate::rehearsal;
use crate::simd::vectorized;
use crate::{Element, Result, Shape, Tensor};
use rayon::prelude::*;

/// The gradient of the input of [`Unary::GeluTanh`](super::Unary::GeluTanh), and its value, recomputed, from one evaluation of the
/// hyperbolic tangent: (f′(x) · dy, f(x)). Each takes the memory of dy and of x, if no other tensor shares it.
///
/// # Errors
/// [`Error::Mismatch`](crate::Error::Mismatch) when x and dy differ in shape.
pub fn gelu_tanh_backward_and_value<T: Element>(
    x: Tensor<T>,
    dy: Tensor<T>,
) -> Result<(Tensor<T>, Tensor<T>)> {
    let why = "the input and the gradient must have the same shape";
    Shape::check_same("gelu_tanh_backward_and_value", x.shape(), dy.shape(), why)?;
    let (mut dx, mut y) = (dy, x);
    if rehearsal::is_on() {
        return Ok((dx, y));
    }
    let of_piece = |(dx, y): (&mut [T], &mut [T])| {
        for (dx, y) in dx.chunks_mut(BLOCK).zip(y.chunks_mut(BLOCK)) {
            vectorized(
                #[inline(always)]
                || {
                    for (dx, y) in dx.iter_mut().zip(y) {
                        let x = *y;
                        (*dx, *y) = (*dx * gelu_tanh_slope(x), gelu_tanh(x));
                    }
                },
            );
        }
    };
    let (of_x, of_y) = (dx.as_mut_slice(), y.as_mut_slice());
    if worth_splitting(of_x.len()) {
        of_x.par_chunks_mut(PIECE).zip(of_y.par_chunks_mut(PIECE)).for_each(of_piece);
    } else {
        of_piece((of_x, of_y));
    }
    Ok((dx, y))
}

#[cfg(test)]
mod tests {
    use super::super::{Unary, unary, unary_backward};
    use super::*;
    use crate::check::{assert_same_on_all_thread_counts, values};

    #[test]
    fn the_bits_of_both_passes() {
        for shape in [[1, 1], [3, 7], [0, 2], [31, 1201]] {
            let (x, dy) = (values::<f32>(shape, 1), values::<f32>(shape, 2));
            let (dx, y) = gelu_tanh_backward_and_value(x.clone(), dy.clone()).unwrap();
            assert_eq!(y.as_slice(), unary(x.clone(), Unary::GeluTanh).as_slice());
            assert_eq!(dx.as_slice(), unary_backward(Unary::GeluTanh, &x, dy.clone()).unwrap().as_slice());
            assert_same_on_all_thread_counts(|| {
                let (dx, y) = gelu_tanh_backward_and_value(x.clone(), dy.clone()).unwrap();
                [dx, y].map(|x| x.as_slice().to_vec())
            });
        }
        assert!(gelu_tanh_backward_and_value(Tensor::<f32>::zeros([2]), Tensor::zeros([3])).is_err());
    }
}
