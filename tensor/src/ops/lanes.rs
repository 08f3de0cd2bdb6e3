//! Sums in a fixed number of lanes: vector code on every instruction set, and the same bits on each.

use crate::Number;

/// Partial sums kept side by side: two AVX-512 registers of f32.
const LANES: usize = 32;

/// How lanes are folded: halves onto halves.
const HALVES: [usize; 5] = [16, 8, 4, 2, 1];

/// Elements that one set of lanes takes before it is folded into f64, so that rounding errors stay near those
/// of a few dozen additions however long the slice is.
const RUN: usize = 64 * LANES;

/// Sums of `K` terms at once over a slice: `step(sums, x)` adds the terms of one element to the sums. Mark it
/// `#[inline(always)]`.
#[inline(always)]
pub(super) fn sums<T: Number, const K: usize>(x: &[T], step: impl Fn([T; K], T) -> [T; K]) -> [f64; K] {
    let mut total = [0.0; K];
    for run in x.chunks(RUN) {
        let mut lanes = [[T::ZERO; LANES]; K];
        let (groups, rest) = run.as_chunks::<LANES>();
        for group in groups {
            for lane in 0..LANES {
                let sums = get(&lanes, lane);
                put(&mut lanes, lane, step(sums, group[lane]));
            }
        }
        if !rest.is_empty() {
            // All lanes compute and the first few keep the result, which is still vector code.
            let rest_of = padded(rest, T::ZERO);
            for lane in 0..LANES {
                let sums = get(&lanes, lane);
                let more = step(sums, rest_of[lane]);
                put(&mut lanes, lane, if lane < rest.len() { more } else { sums });
            }
        }
        fold_into(&mut total, lanes);
    }
    total
}

/// As [`sums`], over pairs of elements of two slices of one length.
#[inline(always)]
pub(super) fn sums_of_pairs<T: Number, const K: usize>(
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
                let sums = get(&lanes, lane);
                put(&mut lanes, lane, step(sums, x[lane], y[lane]));
            }
        }
        if !x_rest.is_empty() {
            let (x, y) = (padded(x_rest, T::ZERO), padded(y_rest, T::ZERO));
            for lane in 0..LANES {
                let sums = get(&lanes, lane);
                let more = step(sums, x[lane], y[lane]);
                put(&mut lanes, lane, if lane < x_rest.len() { more } else { sums });
            }
        }
        fold_into(&mut total, lanes);
    }
    total
}

/// The largest number of a slice (−∞ if it is empty, NaN if one is NaN).
#[inline(always)]
pub(super) fn max<T: Number>(x: &[T]) -> T {
    fold_by(
        x,
        #[inline(always)]
        |a, b| a.maximum(b),
    )
}

/// The largest number of a slice in which NaN are passed over: cheaper, for where they come through otherwise.
#[inline(always)]
pub(super) fn max_number<T: Number>(x: &[T]) -> T {
    fold_by(
        x,
        #[inline(always)]
        |a, b| if b > a { b } else { a },
    )
}

/// A slice folded by a function like `max`, whose neutral element is −∞.
#[inline(always)]
fn fold_by<T: Number>(x: &[T], larger: impl Fn(T, T) -> T) -> T {
    let mut lanes = [T::NEG_INFINITY; LANES];
    let (groups, rest) = x.as_chunks::<LANES>();
    for group in groups {
        for lane in 0..LANES {
            lanes[lane] = larger(lanes[lane], group[lane]);
        }
    }
    let rest = padded(rest, T::NEG_INFINITY);
    for lane in 0..LANES {
        lanes[lane] = larger(lanes[lane], rest[lane]);
    }
    for width in HALVES {
        for lane in 0..width {
            lanes[lane] = larger(lanes[lane], lanes[lane + width]);
        }
    }
    lanes[0]
}

/// A short slice, filled up.
#[inline(always)]
fn padded<T: Number>(x: &[T], with: T) -> [T; LANES] {
    let mut all = [with; LANES];
    all[..x.len()].copy_from_slice(x);
    all
}

#[inline(always)]
fn get<T: Number, const K: usize>(lanes: &[[T; LANES]; K], lane: usize) -> [T; K] {
    let mut sums = [T::ZERO; K];
    for k in 0..K {
        sums[k] = lanes[k][lane];
    }
    sums
}

#[inline(always)]
fn put<T: Number, const K: usize>(lanes: &mut [[T; LANES]; K], lane: usize, sums: [T; K]) {
    for k in 0..K {
        lanes[k][lane] = sums[k];
    }
}

#[inline(always)]
fn fold_into<T: Number, const K: usize>(total: &mut [f64; K], mut lanes: [[T; LANES]; K]) {
    for k in 0..K {
        for width in HALVES {
            for lane in 0..width {
                let other = lanes[k][lane + width];
                lanes[k][lane] += other;
            }
        }
        total[k] += lanes[k][0].to_f64();
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
