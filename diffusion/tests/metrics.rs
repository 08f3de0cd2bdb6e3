//! Distances between sets of features, against their closed forms.

mod common;

use common::{cases, close, normals};
use proptest::prelude::*;
use tweedie_diffusion::Result;
use tweedie_diffusion::metrics::{Moments, frechet_distance, kernel_distance, manifolds};
use tweedie_tensor::{Tensor, ops};

/// Rows whose mean is 0 and whose covariance is the identity: one to either side along each axis.
fn white(d: usize) -> Tensor<f64> {
    let n = 2 * d;
    let size = ((n - 1) as f64 / 2.0).sqrt();
    Tensor::from_fn([n, d], |at| {
        let (row, column) = (at / d, at % d);
        if row / 2 == column { size * if row % 2 == 0 { 1.0 } else { -1.0 } } else { 0.0 }
    })
}

/// x A + m for every row.
fn mapped(x: &Tensor<f64>, a: &Tensor<f64>, mean: &[f64]) -> Tensor<f64> {
    let mut y = ops::matmul(x, false, a, false).unwrap();
    for row in y.as_mut_slice().chunks_exact_mut(mean.len()) {
        row.iter_mut().zip(mean).for_each(|(y, m)| *y += m);
    }
    y
}

fn diagonal(values: &[f64]) -> Tensor<f64> {
    let d = values.len();
    Tensor::from_fn([d, d], |i| if i / d == i % d { values[i / d] } else { 0.0 })
}

/// The reflection 1 − 2 v vᵀ / ‖v‖² at a random plane, times another: a rotation.
fn rotation(d: usize, seed: u64) -> Tensor<f64> {
    let reflection = |seed| {
        let v = normals(1, d, seed);
        let length = ops::sum_squares(&v);
        let v = v.as_slice();
        Tensor::from_fn([d, d], |i| f64::from(i / d == i % d) - 2.0 * v[i / d] * v[i % d] / length)
    };
    ops::matmul(&reflection(seed), false, &reflection(!seed), false).unwrap()
}

fn frechet(a: &Tensor<f64>, b: &Tensor<f64>) -> f64 {
    frechet_distance(&Moments::of(a).unwrap(), &Moments::of(b).unwrap()).unwrap()
}

#[test]
fn white_rows_are_white() {
    let moments = Moments::of(&white(5)).unwrap();
    assert!(moments.mean().iter().all(|&m| m == 0.0));
    for (found, expected) in
        moments.covariance().unwrap().as_slice().iter().zip(diagonal(&[1.0; 5]).as_slice())
    {
        close(*found, *expected, 1e-15, 1.0);
    }
}

proptest! {
    #![proptest_config(cases(48))]

    /// However the rows are cut into batches, and however far they are from zero.
    #[test]
    fn batches_join_to_the_moments_of_the_whole(
        (n, d) in (2usize..40, 1usize..6),
        cuts in prop::collection::vec(0usize..40, 0..4),
        far in prop_oneof![Just(0.0), Just(1e6)],
        seed: u64,
    ) {
        let x = ops::add_scalar(normals(n, d, seed), far);
        let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(n)).chain([0, n]).collect();
        cuts.sort_unstable();
        let mut moments = Moments::new(d);
        for pair in cuts.windows(2) {
            moments.add(&ops::narrow(&x, 0, pair[0], pair[1] - pair[0]).unwrap()).unwrap();
        }
        prop_assert_eq!(moments.count(), n);
        let column = |j: usize| x.as_slice().iter().skip(j).step_by(d);
        let means: Vec<f64> = (0..d).map(|j| column(j).map(|x| x - far).sum::<f64>() / n as f64).collect();
        let covariance = moments.covariance().unwrap();
        for j in 0..d {
            close(moments.mean()[j], far + means[j], 1e-14, 1.0);
            for k in 0..d {
                let products = column(j).zip(column(k)).map(|(x, y)| (x - far - means[j]) * (y - far - means[k]));
                // At 1e6, rows are rounded to 1e-10 before anything is computed.
                close(covariance.as_slice()[j * d + k], products.sum::<f64>() / (n - 1) as f64, 1e-8, 1.0);
            }
        }
    }

    /// Diagonal covariances commute: the distance is Σ (m₁ − m₂)² + (s₁ − s₂)², in one dimension and in many, whatever
    /// the axes are turned to. Exact to the rounding of the traces.
    #[test]
    fn commuting_covariances(
        places in prop::collection::vec((-3.0..3.0, -3.0..3.0, 0.0..4.0, 0.0..4.0), 1..12),
        seed: u64,
    ) {
        let d = places.len();
        let column = |of: fn(&(f64, f64, f64, f64)) -> f64| places.iter().map(of).collect::<Vec<f64>>();
        let (m1, m2) = (column(|p| p.0), column(|p| p.1));
        let (s1, s2) = (diagonal(&column(|p| p.2)), diagonal(&column(|p| p.3)));
        let expected: f64 = places.iter().map(|p| (p.0 - p.1).powi(2) + (p.2 - p.3).powi(2)).sum();
        let (a, b) = (mapped(&white(d), &s1, &m1), mapped(&white(d), &s2, &m2));
        close(frechet(&a, &b), expected, 1e-12, 100.0);
        let (turn, none) = (rotation(d, seed), vec![0.0; d]);
        close(frechet(&mapped(&a, &turn, &none), &mapped(&b, &turn, &none)), expected, 1e-12, 100.0);
    }

    /// For two dimensions tr (S₁ S₂)^½ = √(tr S₁ S₂ + 2 √(det S₁ S₂)): the eigenvalues of a 2 × 2 matrix, by hand.
    #[test]
    fn covariances_that_do_not_commute(a in prop::collection::vec(-2.0..2.0, 4), b in prop::collection::vec(-2.0..2.0, 4)) {
        let gram = |a: &[f64]| [a[0] * a[0] + a[2] * a[2], a[0] * a[1] + a[2] * a[3], a[1] * a[1] + a[3] * a[3]];
        let (s, t) = (gram(&a), gram(&b));
        let trace = s[0] * t[0] + 2.0 * s[1] * t[1] + s[2] * t[2];
        let root = ((a[0] * a[3] - a[1] * a[2]) * (b[0] * b[3] - b[1] * b[2])).abs();
        let expected = s[0] + s[2] + t[0] + t[2] - 2.0 * (trace + 2.0 * root).sqrt();
        let of = |a: &[f64]| mapped(&white(2), &Tensor::from_slice([2, 2], a).unwrap(), &[0.0, 0.0]);
        close(frechet(&of(&a), &of(&b)), expected, 1e-12, 10.0);
    }

    /// Of equal covariance only the means count; of equal sets nothing, also when rows are fewer than dimensions; and
    /// the order of the two does not matter.
    #[test]
    fn identity_symmetry_and_a_shift((n, m) in (2usize..20, 2usize..20), d in 1usize..12, seed: u64) {
        let (x, y) = (normals(n, d, seed), normals(m, d, !seed));
        close(frechet(&x, &x), 0.0, 1e-13, d as f64 * 10.0);
        let shift = normals(1, d, seed ^ 1);
        let moved = mapped(&x, &diagonal(&vec![1.0; d]), shift.as_slice());
        close(frechet(&x, &moved), ops::sum_squares(&shift), 1e-12, d as f64 * 10.0);
        close(frechet(&x, &y), frechet(&y, &x), 1e-12, d as f64 * 10.0);
        let turn = rotation(d, seed ^ 2);
        let (x_turned, y_turned) = (mapped(&x, &turn, &vec![0.0; d]), mapped(&y, &turn, &vec![0.0; d]));
        // A singular covariance is known to ε, its root to √ε.
        close(frechet(&x_turned, &y_turned), frechet(&x, &y), 1e-7, d as f64);
    }

    /// The estimate as it is defined, pair by pair.
    #[test]
    fn the_kernel_distance_is_its_definition((n, m) in (4usize..9, 4usize..9), d in 1usize..4, seed: u64) {
        let (x, y) = (normals(n, d, seed), normals(m, d, !seed));
        let row = |x: &Tensor<f64>, i: usize| x.as_slice()[i * d..][..d].to_vec();
        let k = |x: Vec<f64>, y: Vec<f64>| {
            (x.iter().zip(&y).map(|(x, y)| x * y).sum::<f64>() / d as f64 + 1.0).powi(3)
        };
        let own = |x: &Tensor<f64>, n: usize| -> f64 {
            let pairs = (0..n * n).filter(|at| at / n != at % n);
            pairs.map(|at| k(row(x, at / n), row(x, at % n))).sum::<f64>() / (n * (n - 1)) as f64
        };
        let across: f64 = (0..n * m).map(|at| k(row(&x, at / m), row(&y, at % m))).sum::<f64>() / (n * m) as f64;
        let expected = own(&x, n) + own(&y, m) - 2.0 * across;
        close(kernel_distance(&x, &y, 2).unwrap().value, expected, 1e-11, 1000.0);
    }
}

/// Two samples of one distribution: the estimates scatter around zero, and by about as much as they say.
#[test]
fn the_kernel_distance_has_no_bias() {
    let runs: Vec<_> = (0..60)
        .map(|seed| kernel_distance(&normals(64, 3, 2 * seed), &normals(64, 3, 2 * seed + 1), 8).unwrap())
        .collect();
    let mean =
        |of: &dyn Fn(f64, f64) -> f64| runs.iter().map(|k| of(k.value, k.std_error)).sum::<f64>() / 60.0;
    let (average, spread) = (mean(&|value, _| value), mean(&|value, _| value * value).sqrt());
    assert!(average.abs() < 4.0 * spread / 60f64.sqrt(), "{average} ± {spread}");
    let said = mean(&|_, error| error);
    assert!(spread < said && said < 10.0 * spread, "{spread} and {said}");
    assert!(runs.iter().any(|k| k.value < 0.0));
    // And of two distributions: E k(x, x') and its like by Gaussian moments, for N(0, 1) and N(1, 1) in one dimension.
    let (x, y) = (normals(4000, 1, 1), ops::add_scalar(normals(4000, 1, 2), 1.0));
    // With p = x·y: E (p + 1)³ = E p³ + 3 E p² + 3 E p + 1, and E pᵏ = E xᵏ E yᵏ; moments 0, 1, 0 and 1, 2, 4.
    let expected = (3.0 + 1.0) + (16.0 + 12.0 + 3.0 + 1.0) - 2.0 * (6.0 + 1.0);
    let found = kernel_distance(&x, &y, 10).unwrap();
    assert!((found.value - expected).abs() < 4.0 * found.std_error, "{found:?} against {expected}");
    assert!(found.std_error < 0.2 * expected, "{found:?}");
}

/// The distance of samples exceeds that of the distributions by a constant over n.
#[test]
fn few_rows_make_the_frechet_distance_larger() {
    let mean = |n: usize| -> f64 {
        (0..40).map(|seed| frechet(&normals(n, 6, 2 * seed), &normals(n, 6, 2 * seed + 1))).sum::<f64>()
            / 40.0
    };
    let (few, many) = (mean(50), mean(400));
    assert!(many > 0.0 && (few / many / 8.0 - 1.0).abs() < 0.15, "{few} and {many}");
}

#[test]
fn precision_and_recall_at_their_extremes() {
    let near = normals(80, 4, 1);
    let same = manifolds(&near, &near, 3).unwrap();
    assert_eq!((same.precision, same.recall, same.coverage), (1.0, 1.0, 1.0));
    let far = ops::add_scalar(near.clone(), 100.0);
    let apart = manifolds(&near, &far, 3).unwrap();
    assert_eq!((apart.precision, apart.recall, apart.density, apart.coverage), (0.0, 0.0, 0.0, 0.0));

    // Real rows of two kinds, generated ones of the first alone.
    let two_kinds = ops::concat(&[&near, &far], 0).unwrap();
    let dropped = manifolds(&two_kinds, &near, 3).unwrap();
    assert_eq!((dropped.precision, dropped.recall, dropped.coverage), (1.0, 0.5, 0.5));
    // Generated rows of a kind that is not real cost precision alone.
    let invented = manifolds(&near, &two_kinds, 3).unwrap();
    assert_eq!((invented.precision, invented.recall, invented.coverage), (0.5, 1.0, 1.0));
}

#[test]
fn samples_of_one_distribution_have_density_and_coverage_near_one() {
    let found = manifolds(&normals(400, 2, 1), &normals(400, 2, 2), 5).unwrap();
    assert!((found.density - 1.0).abs() < 0.1, "{found:?}");
    // Naeem et al. 2020, eq. 9: coverage of equal distributions is 1 − 2⁻ᵏ, nearly.
    assert!((found.coverage - (1.0 - 0.5f64.powi(5))).abs() < 0.03, "{found:?}");
    assert!(found.precision > 0.9 && found.recall > 0.9, "{found:?}");
}

#[test]
fn balls_and_copies_on_a_line() {
    // Real rows at 0, 1, 3, 3 with k = 1: reaches 1, 1, 0, 0.
    let real = Tensor::from_slice([4, 1], &[0.0, 1.0, 3.0, 3.0]).unwrap();
    // Reaches 1, 1, 2: 1.5 lies in the ball of 1, 2.5 in none, 4.5 in none.
    let generated = Tensor::from_slice([3, 1], &[1.5, 2.5, 4.5]).unwrap();
    let found = manifolds(&real, &generated, 1).unwrap();
    close(found.precision, 1.0 / 3.0, 1e-15, 1.0);
    // 1, 3 and 3 lie within reach of a generated row, 0 does not.
    close(found.recall, 0.75, 1e-15, 1.0);
    close(found.density, 1.0 / 3.0, 1e-15, 1.0);
    close(found.coverage, 0.25, 1e-15, 1.0);
    // A copy lies in the ball of width 0, far from the origin too.
    let copies = Tensor::from_fn([3, 2], |i| [1e4, 0.1][i % 2]);
    assert_eq!(manifolds(&copies, &copies, 2).unwrap().density, 1.5);
}

#[test]
fn misuse_is_named() {
    fn message<V: std::fmt::Debug>(result: Result<V>) -> String {
        result.unwrap_err().to_string()
    }
    let (x, other) = (normals(10, 3, 0), normals(10, 4, 0));
    let one = Moments::of(&normals(1, 3, 0)).unwrap();
    assert!(message(frechet_distance(&one, &Moments::of(&x).unwrap())).contains("at least 2 rows"));
    let (a, b) = (Moments::of(&x).unwrap(), Moments::of(&other).unwrap());
    assert!(message(frechet_distance(&a, &b)).contains("[3] and [4]"));
    assert!(message(Moments::new(3).add(&other)).contains("[3] and [4]"));
    assert!(message(Moments::of(&Tensor::<f64>::zeros([4]))).contains("matrix of features"));
    let mut broken = x.clone();
    broken.as_mut_slice()[7] = f64::NAN;
    assert!(message(Moments::of(&broken)).contains("row 2"));
    assert!(message(kernel_distance(&x, &other, 2)).contains("[3] and [4]"));
    assert!(message(kernel_distance(&x, &x, 1)).contains("blocks = 1"));
    assert!(message(kernel_distance(&x, &x, 6)).contains("at least 12 rows"));
    assert!(message(manifolds(&x, &x, 0)).contains("k = 0"));
    assert!(message(manifolds(&x, &x, 10)).contains("at least 11 rows"));
    assert!(message(manifolds(&x, &other, 2)).contains("[3] and [4]"));
}
