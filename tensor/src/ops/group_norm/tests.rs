//! Group normalisation against its definition, and its gradient against differences.

use super::*;
use crate::check::{assert_close, assert_gradient, assert_same_on_all_thread_counts, values};
use crate::simd::{self, Isa};

fn oracle(x: &Tensor<f64>, groups: usize, gamma: &[f64], beta: &[f64], eps: f64, silu: bool) -> Vec<f64> {
    let (n, c) = (x.dims()[0], x.dims()[1]);
    let positions = x.numel() / (n * c);
    let len = c / groups * positions;
    let mut y = Vec::new();
    for (i, group) in x.as_slice().chunks(len).enumerate() {
        let mean = group.iter().sum::<f64>() / len as f64;
        let variance = group.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / len as f64;
        for (j, x) in group.iter().enumerate() {
            let channel = i % groups * (c / groups) + j / positions;
            let z = (x - mean) / (variance + eps).sqrt() * gamma[channel] + beta[channel];
            y.push(if silu { z / (1.0 + (-z).exp()) } else { z });
        }
    }
    y
}

const CASES: [(&[usize], usize); 6] = [
    (&[1, 1, 3, 1], 1),
    (&[2, 6, 5, 7], 3),
    (&[3, 4, 1, 13], 4),
    (&[2, 8, 33, 35], 2),
    (&[3, 6], 2),
    (&[64, 32, 9], 8),
];

#[test]
fn normalises_scales_and_activates() {
    for (dims, groups) in CASES {
        let shape = Shape::new(dims).unwrap();
        let (x, gamma, beta) = (values(shape, 1), values([dims[1]], 2), values([dims[1]], 3));
        for silu in [false, true] {
            let expected = oracle(&x, groups, gamma.as_slice(), beta.as_slice(), 1e-3, silu);
            let (y, _) = group_norm(&x, groups, Some(&gamma), Some(&beta), 1e-3, silu).unwrap();
            assert_close(y.as_slice(), &expected, 1e-12);
            let (x, gamma, beta) = (x.cast::<f32>(), gamma.cast(), beta.cast());
            let (y, _) = group_norm(&x, groups, Some(&gamma), Some(&beta), 1e-3, silu).unwrap();
            assert_close(y.as_slice(), &expected, 1e-5);
        }
        let expected = oracle(&x, groups, &vec![1.0; dims[1]], &vec![0.0; dims[1]], 1e-5, false);
        let (y, _) = group_norm(&x, groups, None, None, 1e-5, false).unwrap();
        assert_close(y.as_slice(), &expected, 1e-12);
    }
}

#[test]
fn gradients_of_input_scale_and_shift() {
    for (dims, groups) in CASES {
        let shape = Shape::new(dims).unwrap();
        let x = values::<f64>(shape, 1);
        let (gamma, beta) = (values([dims[1]], 2), values([dims[1]], 3));
        let dy = values(shape, 4);
        for silu in [false, true] {
            let f = |x: &Tensor<f64>, gamma: &Tensor<f64>, beta: &Tensor<f64>| {
                group_norm(x, groups, Some(gamma), Some(beta), 1e-2, silu).unwrap()
            };
            let (_, stats) = f(&x, &gamma, &beta);
            let g =
                group_norm_backward(&x, Some(&gamma), Some(&beta), &stats, silu, dy.clone(), None).unwrap();
            assert_gradient(&x, &dy, &g.dx, |x| f(x, &gamma, &beta).0);
            assert_gradient(&gamma, &dy, &g.dgamma, |gamma| f(&x, gamma, &beta).0);
            assert_gradient(&beta, &dy, &g.dbeta, |beta| f(&x, &gamma, beta).0);
            // In place, in f32, the same to rounding.
            let stats = NormStats { mean: stats.mean.cast::<f32>(), rstd: stats.rstd.cast() };
            let (x, gamma, beta) = (x.cast(), gamma.cast(), beta.cast());
            let single =
                group_norm_backward(&x, Some(&gamma), Some(&beta), &stats, silu, dy.cast(), None).unwrap();
            assert_close(single.dx.as_slice(), g.dx.as_slice(), 3e-5);
            assert_close(single.dgamma.as_slice(), g.dgamma.as_slice(), 3e-5);
            // Onto a gradient that is there already.
            let there = values::<f32>(shape, 5);
            let onto = Some(there.clone());
            let both =
                group_norm_backward(&x, Some(&gamma), Some(&beta), &stats, silu, dy.cast(), onto).unwrap();
            let sum = single.dx.as_slice().iter().zip(there.as_slice()).map(|(dx, there)| dx + there);
            assert_close(both.dx.as_slice(), &sum.map(f64::from).collect::<Vec<_>>(), 1e-5);
        }
    }
}

#[test]
fn a_large_mean_costs_no_digits_of_the_variance() {
    let x = Tensor::<f32>::from_fn([1, 1, 4096], |i| 1000.0 + if i % 2 == 0 { 0.5 } else { -0.5 });
    let (y, _) = group_norm(&x, 1, None, None, 0.0, false).unwrap();
    assert!(y.as_slice().iter().all(|y| (y.abs() - 1.0).abs() < 1e-6));
}

#[test]
fn bits_do_not_depend_on_threads() {
    let x = values::<f32>([5, 12, 37, 41], 1);
    let gamma = values::<f32>([12], 2);
    let dy = values::<f32>([5, 12, 37, 41], 3);
    assert_same_on_all_thread_counts(|| {
        let (y, stats) = group_norm(&x, 4, Some(&gamma), None, 1e-5, true).unwrap();
        let g = group_norm_backward(&x, Some(&gamma), None, &stats, true, dy.clone(), None).unwrap();
        let all = [&y, &g.dx, &g.dgamma, &g.dbeta];
        all.map(|t| t.as_slice().iter().map(|x| x.to_bits()).collect::<Vec<_>>())
    });
}

#[test]
fn every_path_gives_the_same_bits() {
    for (channels, positions) in [(1, 1), (3, 7), (2, 16), (4, 49), (1, 1500), (2, 2061)] {
        let (x, dy) = (values::<f32>([channels, positions], 1), values::<f32>([channels, positions], 2));
        let affine = [values::<f32>([channels], 3), values::<f32>([channels], 4)];
        for silu in [false, true] {
            let [gamma, beta] = affine.each_ref().map(|numbers| Some(numbers.as_slice()));
            let group = Group { x: x.as_slice(), channels, positions, gamma, beta, silu };
            let on_path = |isa| {
                let mut y = vec![f32::NAN; x.numel()];
                let stats = simd::group_norm::normalise(isa, &group, 1e-5, &mut y);
                let (mut dx, mut onto) = (dy.as_slice().to_vec(), y.clone());
                let mut sums = vec![[f64::NAN; 2]; channels];
                simd::group_norm::differentiate(isa, &group, stats, &mut dx, None, &mut sums);
                let mut dz = dy.as_slice().to_vec();
                simd::group_norm::differentiate(isa, &group, stats, &mut dz, Some(&mut onto), &mut sums);
                let all = [y, dx, onto, vec![stats.0, stats.1]].concat();
                let sums: Vec<u64> = sums.iter().flatten().map(|sum| sum.to_bits()).collect();
                (all.iter().map(|x| x.to_bits()).collect::<Vec<_>>(), sums)
            };
            let expected = on_path(Isa::Portable);
            for isa in Isa::available() {
                assert!(on_path(isa) == expected, "{isa:?}: {channels} channels of {positions}");
            }
        }
    }
}

#[test]
fn a_group_count_that_does_not_divide_is_named() {
    let x = values::<f32>([2, 30, 4, 4], 1);
    let message = group_norm(&x, 32, None, None, 1e-5, false).unwrap_err().to_string();
    assert_eq!(message, "group_norm: groups = 32: does not divide the 30 channels of [2, 30, 4, 4]");
    assert!(group_norm(&x, 0, None, None, 1e-5, false).is_err());
    assert!(group_norm(&x, 5, Some(&values([5], 1)), None, 1e-5, false).is_err());
}
