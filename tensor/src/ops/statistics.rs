use crate::Number;
use crate::reduction;
use crate::simd::vectorized;

/// Mean and 1 / √(variance + ε) of a slice, in two passes: the second finds it in the cache, and the variance
/// loses nothing to cancellation.
#[inline]
pub(crate) fn statistics<T: Number>(x: &[T], eps: f64) -> (T, T) {
    let n = x.len() as f64;
    let [sum] = vectorized(
        #[inline(always)]
        || {
            reduction::sums(
                x,
                #[inline(always)]
                |[sum], x| [sum + x],
            )
        },
    );
    let mean = T::from_f64(sum / n);
    let [squares] = vectorized(
        #[inline(always)]
        || {
            reduction::sums(
                x,
                #[inline(always)]
                |[sum], x| {
                    let d = x - mean;
                    [d.mul_add(d, sum)]
                },
            )
        },
    );
    (mean, T::from_f64(1.0 / (squares / n + eps).sqrt()))
}
