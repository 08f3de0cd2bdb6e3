use super::matmul::oriented;
use crate::rehearsal;
use crate::{Element, Error, Precision, Result, Shape, Tensor};

const OP: &str = "linear";

/// A linear map with a bias, y = x Wᵀ + b, for x \[.., rows, k\], W \[n, k\] and b \[n\]: \[.., rows, n\]. Each sum starts from the bias,
/// and the product takes its operands as `precision` says.
///
/// Its gradients are products: dx = dy W, dW = dyᵀ x, with the rows of all axes before the last one below another, and db is
/// the sum of dy over rows.
///
/// # Errors
/// [`Error::Unfit`] when x has fewer than two axes, or W not two; [`Error::Mismatch`] when the lengths differ.
pub fn linear<T: Element>(
    precision: Precision,
    x: &Tensor<T>,
    weight: &Tensor<T>,
    bias: &Tensor<T>,
) -> Result<Tensor<T>> {
    let [n, k] = weight.shape().exactly(OP, "weights have two axes: outputs, inputs")?;
    let Some((&inputs, rows)) = x.dims().split_last().filter(|(_, rows)| !rows.is_empty()) else {
        let why = "must have an axis of rows and one of inputs".to_string();
        return Err(Error::Unfit { op: OP, shape: *x.shape(), why });
    };
    if inputs != k {
        let why = "the last axis must be as long as a row of weights";
        return Err(Error::Mismatch { op: OP, left: *x.shape(), right: *weight.shape(), why });
    }
    if bias.dims() != [n] {
        let why = "there must be one bias for each row of weights";
        return Err(Error::Mismatch { op: OP, left: *weight.shape(), right: *bias.shape(), why });
    }
    let m: usize = rows.iter().product();
    let mut y = Tensor::scratch(Shape::new(&[rows, &[n]].concat())?);
    if rehearsal::notes(2.0 * m as f64 * n as f64 * k as f64, Vec::new) {
        return Ok(y);
    }
    let (x, weight) = (oriented(x.as_slice(), m, k, false), oriented(weight.as_slice(), k, n, true));
    if m * n > 0 {
        T::par_gemm_with_bias(precision, x, weight, bias.as_slice(), y.as_mut_slice(), n);
    }
    Ok(y)
}

#[cfg(test)]
mod tests {
    use super::super::{Binary, binary, broadcast_to, matmul, matmul_into_with};
    use super::*;
    use crate::Accumulate;
    use crate::Precision::F32;
    use crate::check::{assert_close, assert_same_on_all_thread_counts, values};

    #[test]
    fn a_product_and_a_bias() {
        for (rows, n, k) in
            [([1, 1], 1, 1), ([2, 3], 5, 7), ([3, 67], 101, 33), ([2, 4], 130, 0), ([0, 2], 3, 4)]
        {
            let x = values::<f64>([rows[0], rows[1], k], 1);
            let (w, b) = (values::<f64>([n, k], 2), values::<f64>([n], 3));
            let expected = binary(matmul(&x, false, &w, true).unwrap(), b.clone(), Binary::Add).unwrap();
            let y = linear(F32, &x, &w, &b).unwrap();
            assert_eq!(y.dims(), [rows[0], rows[1], n]);
            assert_close(y.as_slice(), expected.as_slice(), 1e-12);
            let y = linear::<f32>(F32, &x.cast(), &w.cast(), &b.cast()).unwrap();
            assert_close(y.as_slice(), expected.as_slice(), 1e-5);
            let (x, w, b) = (x.cast::<f32>(), w.cast(), b.cast::<f32>());
            let mut expected = broadcast_to(&b, y.shape()).unwrap();
            matmul_into_with(Precision::Bf16, &x, false, &w, true, &mut expected, Accumulate::Add).unwrap();
            let y = linear(Precision::Bf16, &x, &w, &b).unwrap();
            assert_eq!(y.as_slice(), expected.as_slice());
        }
    }

    #[test]
    fn bits_do_not_depend_on_threads() {
        let (x, w, b) = (values::<f32>([700, 96], 1), values([200, 96], 2), values([200], 3));
        assert_same_on_all_thread_counts(|| linear(F32, &x, &w, &b).unwrap().as_slice().to_vec());
    }

    #[test]
    fn misuse_is_named() {
        let t = |shape: &[usize]| Tensor::<f32>::zeros(Shape::new(shape).unwrap());
        let error =
            |x: &[usize], w: &[usize], b: &[usize]| linear(F32, &t(x), &t(w), &t(b)).unwrap_err().to_string();
        assert!(error(&[2, 3], &[5, 4], &[5]).contains("as long as a row of weights"));
        assert!(error(&[2, 4], &[5, 4], &[4]).contains("one bias"));
        assert!(error(&[4], &[5, 4], &[5]).contains("an axis of rows"));
        assert!(error(&[2, 4], &[5, 4, 1], &[5]).contains("two axes"));
    }
}
