//! What tests of kernels, gradients and layers share: numbers, comparisons, and derivatives by central differences. Only in
//! tests, and with the feature `test-util`.

use crate::{Element, Shape, Tensor};
use std::convert::Infallible;

/// Fixed pseudo-random numbers in (−2, 2): a different series for each seed.
pub fn values<T: Element>(shape: impl Into<Shape>, seed: u64) -> Tensor<T> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x5851_f42d_4c95_7f2d;
    Tensor::from_fn(shape, |_| {
        // Knuth's 64-bit linear congruential generator; its high bits are good enough here.
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        T::from_f64((state >> 11) as f64 / (1u64 << 51) as f64 - 2.0)
    })
}

/// Holds every number to be within `tolerance` of the expected one, relative to the larger of it and 1.
///
/// # Panics
/// When one is not, or there are more or fewer than expected.
#[track_caller]
pub fn assert_close<T: Element>(found: &[T], expected: &[f64], tolerance: f64) {
    assert_eq!(found.len(), expected.len(), "lengths");
    for (i, (found, &expected)) in found.iter().zip(expected).enumerate() {
        let (found, scale) = (found.to_f64(), expected.abs().max(1.0));
        assert!((found - expected).abs() <= tolerance * scale, "at {i}: {found} against {expected}");
    }
}

/// A digest of the very bits of numbers, in order: 64-bit FNV-1a, a word at a time.
pub fn digest(numbers: &[f32]) -> u64 {
    numbers.iter().fold(0xcbf2_9ce4_8422_2325, |hash, x| {
        (hash ^ u64::from(x.to_bits())).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

/// The step of [`central_differences`]: rounding errors, of 10⁻¹⁶ / h, and the differences' own, of h², are near each other.
const STEP: f64 = 1e-5;

/// The derivatives of `f` with respect to the numbers of `x` at these places: (f(x + h eᵢ) − f(x − h eᵢ)) / 2h with h = 10⁻⁵.
///
/// # Errors
/// What `f` refuses.
pub fn central_differences<E>(
    x: &Tensor<f64>,
    places: impl IntoIterator<Item = usize>,
    mut f: impl FnMut(&Tensor<f64>) -> Result<f64, E>,
) -> Result<Vec<f64>, E> {
    let difference = |place: usize| {
        let mut at = |step: f64| {
            let mut moved = x.clone();
            moved.as_mut_slice()[place] += step;
            f(&moved)
        };
        Ok((at(STEP)? - at(-STEP)?) / (2.0 * STEP))
    };
    places.into_iter().map(difference).collect()
}

/// Σ a · b: what a gradient is taken of, with fixed numbers b for a result a.
///
/// # Panics
/// When the shapes differ.
pub fn inner_product(a: &Tensor<f64>, b: &Tensor<f64>) -> f64 {
    assert_eq!(a.shape(), b.shape());
    a.as_slice().iter().zip(b.as_slice()).map(|(a, b)| a * b).sum()
}

/// Holds `analytic` to be d⟨f(x), dy⟩/dx at about forty places.
///
/// # Panics
/// When it is not, to 10⁻⁶ relative to the larger of the derivative and 1.
#[track_caller]
pub fn assert_gradient(
    x: &Tensor<f64>,
    dy: &Tensor<f64>,
    analytic: &Tensor<f64>,
    f: impl Fn(&Tensor<f64>) -> Tensor<f64>,
) {
    assert_eq!(x.shape(), analytic.shape());
    let places = (0..x.numel()).step_by(x.numel() / 40 + 1);
    let numeric = central_differences(x, places.clone(), |x| Ok::<_, Infallible>(inner_product(&f(x), dy)));
    for (place, numeric) in places.zip(numeric.unwrap_or_default()) {
        let found = analytic.as_slice()[place];
        let close = (numeric - found).abs() <= 1e-6 * numeric.abs().max(1.0);
        assert!(close, "at {place}: {found} against {numeric}");
    }
}

/// Runs `f` on one, two, three and seven threads, and holds the results to be equal.
///
/// # Panics
/// When they are not.
#[track_caller]
pub fn assert_same_on_all_thread_counts<R: PartialEq + Send>(f: impl Fn() -> R + Sync) {
    let on = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
        pool.install(&f)
    };
    let one = on(1);
    for threads in [2, 3, 7] {
        assert!(on(threads) == one, "{threads} threads");
    }
}
