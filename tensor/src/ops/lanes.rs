//! Sums in a fixed number of lanes: vector code on every instruction set, and the same bits on each.

use crate::Element;

/// Partial sums kept side by side: two AVX-512 registers of f32.
const LANES: usize = 32;

/// Elements that one set of lanes takes before it is folded into f64, so that rounding errors stay near those
/// of a few dozen additions however long the slice is.
const RUN: usize = 64 * LANES;

/// Sums of `K` terms at once over a slice: `step(sums, x)` adds the terms of one element to the sums.
#[inline(always)]
pub(super) fn sums<T: Element, const K: usize>(x: &[T], step: impl Fn([T; K], T) -> [T; K]) -> [f64; K] {
    let mut total = [0.0; K];
    for run in x.chunks(RUN) {
        let mut lanes = [[T::ZERO; LANES]; K];
        let (groups, rest) = run.as_chunks::<LANES>();
        for group in groups {
            for lane in 0..LANES {
                add(&mut lanes, lane, |sums| step(sums, group[lane]));
            }
        }
        for (lane, &x) in rest.iter().enumerate() {
            add(&mut lanes, lane, |sums| step(sums, x));
        }
        fold_into(&mut total, lanes);
    }
    total
}

/// As [`sums`], over pairs of elements of two slices of one length.
#[inline(always)]
pub(super) fn sums_of_pairs<T: Element, const K: usize>(
    x: &[T],
    y: &[T],
    step: impl Fn([T; K], T, T) -> [T; K],
) -> [f64; K] {
    let mut total = [0.0; K];
    for (x, y) in x.chunks(RUN).zip(y.chunks(RUN)) {
        let mut lanes = [[T::ZERO; LANES]; K];
        let ((xs, x_rest), (ys, y_rest)) = (x.as_chunks::<LANES>(), y.as_chunks::<LANES>());
        for (x, y) in xs.iter().zip(ys) {
            for lane in 0..LANES {
                add(&mut lanes, lane, |sums| step(sums, x[lane], y[lane]));
            }
        }
        for (lane, (&x, &y)) in x_rest.iter().zip(y_rest).enumerate() {
            add(&mut lanes, lane, |sums| step(sums, x, y));
        }
        fold_into(&mut total, lanes);
    }
    total
}

/// The largest number of a slice (−∞ if it is empty, NaN if one is NaN).
#[inline(always)]
pub(super) fn max<T: Element>(x: &[T]) -> T {
    let mut lanes = [T::NEG_INFINITY; LANES];
    let (groups, rest) = x.as_chunks::<LANES>();
    for group in groups {
        for lane in 0..LANES {
            lanes[lane] = lanes[lane].maximum(group[lane]);
        }
    }
    let most = rest.iter().fold(T::NEG_INFINITY, |most, &x| most.maximum(x));
    if groups.is_empty() { most } else { lanes.iter().fold(most, |most, &x| most.maximum(x)) }
}

#[inline(always)]
fn add<T: Element, const K: usize>(
    lanes: &mut [[T; LANES]; K],
    lane: usize,
    step: impl FnOnce([T; K]) -> [T; K],
) {
    let mut sums = [T::ZERO; K];
    for k in 0..K {
        sums[k] = lanes[k][lane];
    }
    let sums = step(sums);
    for k in 0..K {
        lanes[k][lane] = sums[k];
    }
}

#[inline(always)]
fn fold_into<T: Element, const K: usize>(total: &mut [f64; K], lanes: [[T; LANES]; K]) {
    for (total, mut lanes) in total.iter_mut().zip(lanes) {
        let mut width = LANES / 2;
        while width > 0 {
            let (low, high) = lanes.split_at_mut(width);
            low.iter_mut().zip(high).for_each(|(low, high)| *low += *high);
            width /= 2;
        }
        *total += lanes[0].to_f64();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::check::values;

    #[test]
    fn sums_of_any_length() {
        for len in [0, 1, 31, 32, 33, 2047, 2048, 2049, 100_003] {
            let (x, y) = (values::<f32>([len], 1), values::<f32>([len], 2));
            let (x, y) = (x.as_slice(), y.as_slice());
            let exact: f64 = x.iter().map(|&x| f64::from(x)).sum();
            let exact_product: f64 = x.iter().zip(y).map(|(&x, &y)| f64::from(x) * f64::from(y)).sum();
            let [found, count] = sums(x, |[sum, n], x| [sum + x, n + 1.0]);
            let [product] = sums_of_pairs(x, y, |[sum], x, y| [x.mul_add(y, sum)]);
            let size = (len as f64).sqrt().max(1.0);
            assert!((found - exact).abs() <= 1e-6 * size, "{len}: {found} against {exact}");
            assert!((product - exact_product).abs() <= 1e-6 * size, "{len}");
            assert_eq!(count, len as f64);
            let most = x.iter().fold(f32::NEG_INFINITY, |m, &x| m.max(x));
            assert_eq!(max(x), most);
        }
        assert!(max(&[1.0, f32::NAN, 2.0]).is_nan());
    }
}
