//! What the kernels' tests share: values, comparisons, and gradients by central differences.

use crate::{Element, Shape, Tensor};

/// Fixed pseudo-random numbers in (−2, 2): a different series for each seed.
pub(super) fn values<T: Element>(shape: impl Into<Shape>, seed: u64) -> Tensor<T> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x5851_f42d_4c95_7f2d;
    Tensor::from_fn(shape, |_| {
        // Knuth's 64-bit linear congruential generator; its high bits are good enough here.
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        T::from_f64((state >> 11) as f64 / (1u64 << 51) as f64 - 2.0)
    })
}

/// Every number within `tolerance` of the expected one, relative to the larger of it and 1.
#[track_caller]
pub(super) fn assert_close<T: Element>(found: &[T], expected: &[f64], tolerance: f64) {
    assert_eq!(found.len(), expected.len(), "lengths");
    for (i, (found, &expected)) in found.iter().zip(expected).enumerate() {
        let (found, scale) = (found.to_f64(), expected.abs().max(1.0));
        assert!((found - expected).abs() <= tolerance * scale, "at {i}: {found} against {expected}");
    }
}

/// `analytic` = d⟨f(x), dy⟩/dx at a sample of places, by central differences.
#[track_caller]
pub(super) fn assert_gradient(
    x: &Tensor<f64>,
    dy: &Tensor<f64>,
    analytic: &Tensor<f64>,
    f: impl Fn(&Tensor<f64>) -> Tensor<f64>,
) {
    assert_eq!(x.shape(), analytic.shape());
    let inner = |y: Tensor<f64>| -> f64 {
        assert_eq!(y.shape(), dy.shape());
        y.as_slice().iter().zip(dy.as_slice()).map(|(y, dy)| y * dy).sum()
    };
    let h = 1e-5;
    let step = x.numel() / 40 + 1;
    for i in (0..x.numel()).step_by(step) {
        let at = |d: f64| {
            let mut moved = x.clone();
            moved.as_mut_slice()[i] += d;
            inner(f(&moved))
        };
        let numeric = (at(h) - at(-h)) / (2.0 * h);
        let found = analytic.as_slice()[i];
        assert!(
            (numeric - found).abs() <= 1e-6 * numeric.abs().max(1.0),
            "at {i}: {found} against {numeric}"
        );
    }
}

/// Runs `f` on one, two, three and seven threads and holds the results to the same bits.
#[track_caller]
pub(super) fn assert_same_on_all_thread_counts<R: PartialEq + Send>(f: impl Fn() -> R + Sync) {
    let on = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(&f)
    };
    let one = on(1);
    for threads in [2, 3, 7] {
        assert!(on(threads) == one, "{threads} threads");
    }
}
