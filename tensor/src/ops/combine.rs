use super::pieces::{PIECE, for_blocks, for_pieces};
use crate::simd::vectorized;
use crate::{Element, Error, Result, Tensor};

/// A weighted sum of tensors with one weight per sample: `out[i, …] = Σ_j c_j[i] · x_j[i, …]`.
///
/// The forward process, posterior means, conversions between predictions and sampler steps are all of this form: x_t = √ᾱ_t x_0 + √(1−ᾱ_t) ε is `combine(&[(&sqrt_alphas, &x0), (&sigmas, &eps)])`
/// with one t per sample.
///
/// Each term is a slice of coefficients, one for each index of the leading axis (or a single one for all), and a
/// tensor; all tensors have one shape. Coefficients are rounded to `T`; the first product is rounded, and each
/// further term is one fused multiply-add, in the order given. A coefficient of 0 does not
/// remove infinities and NaN.
///
/// # Errors
/// [`Error::Parameter`] when there is no term, or a slice has neither one coefficient nor one per sample;
/// [`Error::Mismatch`] when shapes differ.
pub fn combine<T: Element>(terms: &[(&[f64], &Tensor<T>)]) -> Result<Tensor<T>> {
    const OP: &str = "combine";
    let Some(&(_, first)) = terms.first() else {
        let why = "there is nothing to combine".to_string();
        return Err(Error::Parameter { op: OP, name: "terms", value: "[]".to_string(), why });
    };
    let shape = *first.shape();
    let samples = shape.dims().first().copied().unwrap_or(1);
    for (coefficients, x) in terms {
        if *x.shape() != shape {
            let why = "all terms must have the same shape";
            return Err(Error::Mismatch { op: OP, left: shape, right: *x.shape(), why });
        }
        if coefficients.len() != 1 && coefficients.len() != samples {
            return Err(Error::Parameter {
                op: OP,
                name: "coefficients",
                value: format!("{} numbers", coefficients.len()),
                why: format!("must be one number, or one for each of the {samples} samples of {shape}"),
            });
        }
    }
    let per_sample = terms.iter().any(|(coefficients, _)| coefficients.len() != 1);
    let row = if per_sample { shape.numel() / samples.max(1) } else { shape.numel() };
    let mut out = Tensor::scratch(shape);
    let work = shape.numel() * terms.len();
    for_pieces(out.as_mut_slice(), PIECE, work, |start, piece| {
        for_blocks(start, piece, row, |start, block| {
            let mut beginning = true;
            for (coefficients, x) in terms {
                let c = if coefficients.len() == 1 { coefficients[0] } else { coefficients[start / row] };
                let (c, x) = (T::from_f64(c), &x.as_slice()[start..][..block.len()]);
                if std::mem::take(&mut beginning) {
                    product(block, c, x);
                } else {
                    add_product(block, c, x);
                }
            }
        });
    });
    Ok(out)
}

fn product<T: Element>(out: &mut [T], c: T, x: &[T]) {
    vectorized(
        #[inline(always)]
        || {
            for (y, &x) in out.iter_mut().zip(x) {
                *y = c * x;
            }
        },
    );
}

fn add_product<T: Element>(out: &mut [T], c: T, x: &[T]) {
    vectorized(
        #[inline(always)]
        || {
            for (y, &x) in out.iter_mut().zip(x) {
                *y = c.mul_add(x, *y);
            }
        },
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ramp(shape: impl Into<crate::Shape>, step: f64) -> Tensor<f32> {
        Tensor::from_fn(shape, |i| ((i as f64 * step).sin() * 3.0) as f32)
    }

    #[test]
    fn each_sample_has_its_own_coefficients() {
        for dims in [[3, 1, 1], [3, 5, 7], [1, 2, 3], [3, 101, 113], [0, 2, 2]] {
            let (x, y, z) = (ramp(dims, 0.7), ramp(dims, 0.3), ramp(dims, 1.1));
            let c: Vec<f64> = (0..dims[0]).map(|i| 0.1 + i as f64 / 3.0).collect();
            let out = combine(&[(&c, &x), (&[-0.3], &y), (&c, &z)]).unwrap();
            let row = dims[1] * dims[2];
            for i in 0..x.numel() {
                let c = c[i / row] as f32;
                let [x, y, z] = [&x, &y, &z].map(|t| t.as_slice()[i]);
                let expected = c.mul_add(z, (-0.3f32).mul_add(y, c * x));
                assert_eq!(out.as_slice()[i], expected, "{dims:?} at {i}");
            }
        }
    }

    #[test]
    fn a_scalar_is_one_sample() {
        let x = Tensor::scalar(2.0f64);
        assert_eq!(combine(&[(&[3.0], &x)]).unwrap().item().unwrap(), 6.0);
    }

    #[test]
    fn misuse_is_named() {
        let x = ramp([2, 3], 1.0);
        let message = |r: Result<Tensor<f32>>| r.unwrap_err().to_string();
        assert!(message(combine(&[])).starts_with("combine: terms"));
        assert!(message(combine(&[(&[1.0, 2.0, 3.0], &x)])).contains("3 numbers"));
        let y = ramp([3, 2], 1.0);
        assert!(message(combine(&[(&[1.0], &x), (&[1.0], &y)])).contains("[2, 3] and [3, 2]"));
    }
}
