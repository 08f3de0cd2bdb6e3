use tweedie_autograd::ops::concat;
use tweedie_autograd::{Result, Var};
use tweedie_tensor::{Element, Tensor};

/// Places that a number is compared with, evenly spread between −`REACH` and `REACH`, where standardised data lie.
const CENTRES: usize = 32;
const REACH: f64 = 3.0;

/// How many numbers the code of one is.
pub(super) const LENGTH: usize = CENTRES + 1;

/// Each number of x \[n, d\] as itself and as tanh((x − c) · 2/Δ) for every centre c, Δ apart: \[n, d · [`LENGTH`]\].
///
/// A network of few layers is slow to learn a function that changes within a short way of its input (Rahaman et al. 2019). The
/// code changes by about 1 over Δ, so that the function need not (as Fourier features do it, Tancik et al. 2020); and beyond the
/// last centre the number itself is left, along which the network goes on straight.
pub(super) fn position_code<T: Element>(x: Var<T>) -> Result<Var<T>> {
    let [n, d] = x.shape().exactly("position code", "must be [samples, numbers]")?;
    let apart = 2.0 * REACH / CENTRES as f64;
    let steepness = 2.0 / apart;
    let centre = |i: usize| -REACH + (i as f64 + 0.5) * apart;
    let slopes = Tensor::full([1, CENTRES], T::from_f64(steepness));
    let offsets = Tensor::from_fn([CENTRES], |i| T::from_f64(-steepness * centre(i)));
    let column = x.reshape([n * d, 1])?;
    let compared = column.clone().matmul(Var::constant(slopes))?.add(Var::constant(offsets))?.tanh()?;
    concat([column, compared], 1)?.reshape([n, d * LENGTH])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_told_by_itself_and_by_the_centres_below_it() {
        let x = Tensor::from_slice([1, 2], &[-3.0f64, 0.9]).unwrap();
        let code = position_code(Var::constant(x)).unwrap().into_value();
        assert_eq!(code.dims(), [1, 2 * LENGTH]);
        let (low, middle) = code.as_slice().split_at(LENGTH);
        assert_eq!((low[0], middle[0]), (-3.0, 0.9));
        assert!(low[1..].iter().all(|y| *y < 0.0));
        // Centres are 0.1875 apart, and 0.84375 is the last of those below 0.9.
        assert_eq!(middle[1..].iter().filter(|y| **y > 0.0).count(), 21);
        let last = ((0.9 - 0.84375) * 2.0 / 0.1875f64).tanh();
        assert!((middle[21] - last).abs() < 1e-12, "{}", middle[21]);
    }
}
