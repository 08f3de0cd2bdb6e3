//! Whole tensors of random numbers. Number j of a sample comes from word j of the sample's stream (normals: from
//! the pair of words that j belongs to), so any part can be drawn alone.

use super::address::Address;
use super::philox::{LANES, lanes};
use super::purpose::Purpose;
use crate::simd::vectorized;
use crate::{Element, Shape, Tensor};
use rayon::prelude::*;

/// Words, and so numbers, in the blocks that are computed together.
const GROUP: usize = 4 * LANES;
/// Numbers that one task draws: a multiple of a group, worth waking a thread for.
const TASK: usize = 128 * GROUP;

/// Standard normals. `shape[0]` counts samples, and sample i of the tensor is drawn from stream (seed, purpose,
/// step, `first_sample` + i), so that a batch cut in two gives the same numbers. A shape without axes is one sample.
///
/// f32 and f64 tensors hold the same draws, the f32 ones computed in f32: they differ by a few units in the last
/// place of f32. No normal lies beyond 6.67.
///
/// # Panics
/// As [`Stream::new`](super::Stream::new), and when a sample holds more than 2³⁴ numbers.
pub fn normal<T: Element>(
    shape: impl Into<Shape>,
    seed: u64,
    purpose: Purpose,
    step: u64,
    first_sample: u64,
) -> Tensor<T> {
    fill(
        shape.into(),
        seed,
        purpose,
        step,
        first_sample,
        #[inline(always)]
        |words, out: &mut [T; GROUP]| {
            for i in 0..LANES {
                let [a, b] = T::normal_pair([words[0][i], words[1][i]]);
                let [c, d] = T::normal_pair([words[2][i], words[3][i]]);
                out[4 * i] = a;
                out[4 * i + 1] = b;
                out[4 * i + 2] = c;
                out[4 * i + 3] = d;
            }
        },
    )
}

/// Numbers between `low` and `high`, evenly distributed; samples as in [`normal`]. `high` itself appears only
/// where low + (high − low) u rounds to it.
///
/// # Panics
/// As [`normal`].
pub fn uniform<T: Element>(
    shape: impl Into<Shape>,
    seed: u64,
    purpose: Purpose,
    step: u64,
    first_sample: u64,
    low: T,
    high: T,
) -> Tensor<T> {
    let span = high - low;
    fill(
        shape.into(),
        seed,
        purpose,
        step,
        first_sample,
        #[inline(always)]
        |words, out: &mut [T; GROUP]| {
            for i in 0..LANES {
                for w in 0..4 {
                    out[4 * i + w] = span.mul_add(T::unit(words[w][i]), low);
                }
            }
        },
    )
}

fn fill<T: Element>(
    shape: Shape,
    seed: u64,
    purpose: Purpose,
    step: u64,
    first_sample: u64,
    make: impl Fn(&[[u32; LANES]; 4], &mut [T; GROUP]) + Sync,
) -> Tensor<T> {
    let mut tensor = Tensor::scratch(shape);
    let samples = shape.first().copied().unwrap_or(1);
    if tensor.numel() == 0 {
        return tensor;
    }
    let each = tensor.numel() / samples;
    assert!(each.div_ceil(4) < u32::MAX as usize - LANES, "random: a sample holds at most 2^34 numbers");
    tensor.as_mut_slice().par_chunks_mut(each).enumerate().for_each(|(i, sample)| {
        let address = Address::new(seed, purpose, step, first_sample + i as u64);
        sample.par_chunks_mut(TASK).enumerate().for_each(|(task, part)| {
            vectorized(
                #[inline(always)]
                || {
                    let mut block = (task * (TASK / 4)) as u32;
                    let mut numbers = [T::ZERO; GROUP];
                    for group in part.chunks_mut(GROUP) {
                        make(&lanes(address.counter(block), address.key), &mut numbers);
                        group.copy_from_slice(&numbers[..group.len()]);
                        block += LANES as u32;
                    }
                },
            );
        });
    });
    tensor
}

#[cfg(test)]
mod tests {
    use super::super::Stream;
    use super::*;
    use crate::check::digest;
    use proptest::prelude::*;

    #[test]
    fn moments_of_a_million_normals() {
        let z: Tensor<f32> = normal([100, 10_000], 11, Purpose::TEST, 0, 0);
        let n = z.numel() as f64;
        let moment = |k: i32| z.as_slice().iter().map(|&x| f64::from(x).powi(k)).sum::<f64>() / n;
        // Each bound is five standard deviations of the estimate from a million draws.
        assert!(moment(1).abs() < 5e-3, "{}", moment(1));
        assert!((moment(2) - 1.0).abs() < 7.1e-3, "{}", moment(2));
        assert!(moment(3).abs() < 1.95e-2, "{}", moment(3));
        assert!((moment(4) - 3.0).abs() < 4.9e-2, "{}", moment(4));
        let beyond = |limit: f32| z.as_slice().iter().filter(|x| x.abs() > limit).count() as f64;
        for (limit, expected) in [(1.0, 317_311.0), (2.0, 45_500.0), (3.0, 2_700.0), (4.0, 63.3)] {
            let count = beyond(limit);
            assert!((count - expected).abs() < 5.0 * f64::sqrt(expected), "{count} beyond {limit}");
        }
        let neighbours: f64 =
            z.as_slice().windows(2).map(|w| f64::from(w[0]) * f64::from(w[1])).sum::<f64>() / n;
        assert!(neighbours.abs() < 5e-3, "{neighbours}");
        assert!(z.all_finite());
    }

    #[test]
    fn uniforms_fill_their_range_evenly() {
        let u: Tensor<f32> = uniform([10, 10_000], 5, Purpose::TEST, 0, 0, -1.0, 3.0);
        assert!(u.as_slice().iter().all(|x| (-1.0..3.0).contains(x)));
        let mut counts = [0.0f64; 16];
        u.as_slice().iter().for_each(|x| counts[((x + 1.0) * 4.0) as usize] += 1.0);
        // χ² with 15 degrees of freedom exceeds 37.7 once in a thousand.
        let chi: f64 = counts.iter().map(|c| (c - 6250.0) * (c - 6250.0) / 6250.0).sum();
        assert!(chi < 37.7, "{counts:?}");
    }

    #[test]
    fn f64_tensors_hold_what_streams_draw() {
        let z: Tensor<f64> = normal([2, 77], 9, Purpose::TEST, 4, 30);
        let mut stream = Stream::new(9, Purpose::TEST, 4, 31);
        assert!(z.as_slice()[77..].iter().all(|&x| x == stream.normal()));
        let single: Tensor<f32> = normal([2, 77], 9, Purpose::TEST, 4, 30);
        for (s, d) in single.as_slice().iter().zip(z.as_slice()) {
            assert!((f64::from(*s) - d).abs() < 1e-6);
        }
    }

    #[test]
    fn one_thread_draws_what_many_draw() {
        let draw = || normal::<f32>([3, 2 * TASK + 5], 1, Purpose::TEST, 0, 0);
        let alone = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap().install(draw);
        let together = rayon::ThreadPoolBuilder::new().num_threads(4).build().unwrap().install(draw);
        assert_eq!(alone.as_slice(), together.as_slice());
    }

    /// The very bits, so that a change of arithmetic, or a machine that computes otherwise, is noticed.
    #[test]
    fn bits_are_pinned() {
        let z: Tensor<f32> = normal([1, 4096], 2026, Purpose::new(1), 3, 5);
        assert_eq!(digest(z.as_slice()), 0xd553_4775_01d4_9cd1);
    }

    #[test]
    fn empty_and_scalar_shapes() {
        assert_eq!(normal::<f32>([0, 5], 0, Purpose::TEST, 0, 0).numel(), 0);
        assert_eq!(normal::<f32>([5, 0], 0, Purpose::TEST, 0, 0).numel(), 0);
        assert_eq!(normal::<f64>(Shape::SCALAR, 0, Purpose::TEST, 0, 0).numel(), 1);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]
        #[test]
        fn a_batch_cut_in_two_is_the_same_batch(n in 1usize..6, each in 1usize..300, cut in 0usize..6, seed: u64) {
            let cut = cut.min(n);
            let whole: Tensor<f32> = normal([n, each], seed, Purpose::new(1), 8, 100);
            let low: Tensor<f32> = normal([cut, each], seed, Purpose::new(1), 8, 100);
            let high: Tensor<f32> = normal([n - cut, each], seed, Purpose::new(1), 8, 100 + cut as u64);
            prop_assert_eq!(&whole.as_slice()[..cut * each], low.as_slice());
            prop_assert_eq!(&whole.as_slice()[cut * each..], high.as_slice());
        }
    }
}
