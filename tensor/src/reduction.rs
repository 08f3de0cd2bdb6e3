//! Sums and maxima in a fixed number of lanes: vector code on every instruction set, and the same bits on each.
//!
//! Lane l of n takes the numbers l, l + n, l + 2n, … in order; then the lanes are folded in a fixed order. How many registers
//! hold the lanes is left to the compiler, and changes no bit.

use crate::Number;
use std::ops::AddAssign;

/// Lanes of the sums over tensors: two AVX-512 registers of f32.
const LANES: usize = 32;

/// The numbers that `lanes` lanes take before they are folded into f64, so that rounding errors stay near those of a few
/// dozen additions however long the slice is.
pub(crate) const fn run(lanes: usize) -> usize {
    64 * lanes
}

/// The sum of lanes, halves added to halves. `N` is a power of two.
#[inline(always)]
pub(crate) fn fold<A: Copy + AddAssign, const N: usize>(mut lanes: [A; N]) -> A {
    let mut width = N / 2;
    while width > 0 {
        for lane in 0..width {
            let other = lanes[lane + width];
            lanes[lane] += other;
        }
        width /= 2;
    }
    lanes[0]
}

/// `K` sums at once over a slice, in `N` lanes: `step(sums, x)` adds the terms of one number to a lane's sums. Mark it
/// `#[inline(always)]`.
#[inline(always)]
pub(crate) fn accumulate<T, A, const N: usize, const K: usize>(
    x: &[T],
    step: impl Fn([A; K], T) -> [A; K],
) -> [[A; N]; K]
where
    T: Copy + Default,
    A: Copy + Default,
{
    let mut lanes = [[A::default(); N]; K];
    let (groups, rest) = x.as_chunks::<N>();
    for group in groups {
        for lane in 0..N {
            let sums = get(&lanes, lane);
            put(&mut lanes, lane, step(sums, group[lane]));
        }
    }
    if !rest.is_empty() {
        // All lanes compute and the first few keep the result, which is still vector code.
        let rest_of = padded::<T, N>(rest, T::default());
        for lane in 0..N {
            let sums = get(&lanes, lane);
            let more = step(sums, rest_of[lane]);
            put(&mut lanes, lane, if lane < rest.len() { more } else { sums });
        }
    }
    lanes
}

/// As [`accumulate`], over pairs of numbers of two slices of one length.
#[inline(always)]
fn accumulate_pairs<T, const N: usize, const K: usize>(
    x: &[T],
    y: &[T],
    step: impl Fn([T; K], T, T) -> [T; K],
) -> [[T; N]; K]
where
    T: Copy + Default,
{
    let mut lanes = [[T::default(); N]; K];
    let ((xs, x_rest), (ys, y_rest)) = (x.as_chunks::<N>(), y.as_chunks::<N>());
    for (x, y) in xs.iter().zip(ys) {
        for lane in 0..N {
            let sums = get(&lanes, lane);
            put(&mut lanes, lane, step(sums, x[lane], y[lane]));
        }
    }
    if !x_rest.is_empty() {
        let [x, y] = [x_rest, y_rest].map(
            #[inline(always)]
            |rest| padded::<T, N>(rest, T::default()),
        );
        for lane in 0..N {
            let sums = get(&lanes, lane);
            let more = step(sums, x[lane], y[lane]);
            put(&mut lanes, lane, if lane < x_rest.len() { more } else { sums });
        }
    }
    lanes
}

/// `K` sums at once over a slice of any length, in f64: see [`accumulate`].
#[inline(always)]
#[allow(clippy::redundant_closure)]
pub(crate) fn sums<T: Number, const K: usize>(x: &[T], step: impl Fn([T; K], T) -> [T; K]) -> [f64; K] {
    let mut total = [0.0; K];
    for run in x.chunks(run(LANES)) {
        // A closure of its own: `&step` would be called through a shim that knows no vector instructions.
        let lanes = accumulate::<T, T, LANES, K>(
            run,
            #[inline(always)]
            |sums, x| step(sums, x),
        );
        add_to(&mut total, lanes);
    }
    total
}

/// As [`sums`], over pairs of numbers of two slices of one length.
#[inline(always)]
#[allow(clippy::redundant_closure)]
pub(crate) fn sums_of_pairs<T: Number, const K: usize>(
    x: &[T],
    y: &[T],
    step: impl Fn([T; K], T, T) -> [T; K],
) -> [f64; K] {
    let mut total = [0.0; K];
    for (x, y) in x.chunks(run(LANES)).zip(y.chunks(run(LANES))) {
        let lanes = accumulate_pairs::<T, LANES, K>(
            x,
            y,
            #[inline(always)]
            |sums, x, y| step(sums, x, y),
        );
        add_to(&mut total, lanes);
    }
    total
}

/// Adds the sum of each set of lanes.
#[inline(always)]
fn add_to<T: Number, const K: usize>(total: &mut [f64; K], lanes: [[T; LANES]; K]) {
    for k in 0..K {
        total[k] += fold(lanes[k]).to_f64();
    }
}

/// The largest number of a slice (−∞ if it is empty, NaN if one is NaN).
#[inline(always)]
pub(crate) fn max<T: Number>(x: &[T]) -> T {
    reduce_by(
        x,
        #[inline(always)]
        |a, b| a.maximum(b),
    )
}

/// The largest number of a slice, NaN passed over: cheaper, for where a NaN reaches the result in another way.
#[inline(always)]
pub(crate) fn max_number<T: Number>(x: &[T]) -> T {
    reduce_by(
        x,
        #[inline(always)]
        |a, b| if b > a { b } else { a },
    )
}

/// A slice folded by a function like `max`, whose neutral element is −∞.
#[inline(always)]
fn reduce_by<T: Number>(x: &[T], larger: impl Fn(T, T) -> T) -> T {
    let mut lanes = [T::NEG_INFINITY; LANES];
    let (groups, rest) = x.as_chunks::<LANES>();
    for group in groups {
        for lane in 0..LANES {
            lanes[lane] = larger(lanes[lane], group[lane]);
        }
    }
    let rest = padded::<T, LANES>(rest, T::NEG_INFINITY);
    for lane in 0..LANES {
        lanes[lane] = larger(lanes[lane], rest[lane]);
    }
    let mut width = LANES / 2;
    while width > 0 {
        for lane in 0..width {
            lanes[lane] = larger(lanes[lane], lanes[lane + width]);
        }
        width /= 2;
    }
    lanes[0]
}

/// A short slice, filled up.
#[inline(always)]
fn padded<T: Copy, const N: usize>(x: &[T], with: T) -> [T; N] {
    let mut all = [with; N];
    all[..x.len()].copy_from_slice(x);
    all
}

#[inline(always)]
fn get<A: Copy + Default, const N: usize, const K: usize>(lanes: &[[A; N]; K], lane: usize) -> [A; K] {
    let mut sums = [A::default(); K];
    for k in 0..K {
        sums[k] = lanes[k][lane];
    }
    sums
}

#[inline(always)]
fn put<A: Copy, const N: usize, const K: usize>(lanes: &mut [[A; N]; K], lane: usize, sums: [A; K]) {
    for k in 0..K {
        lanes[k][lane] = sums[k];
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::values;

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
