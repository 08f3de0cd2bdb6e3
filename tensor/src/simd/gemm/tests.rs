//! f32 products against sums in f64, other people's kernels, and each other.

use super::driver::{multiply, multiply_parallel, multiply_sliced};
use super::sgemm::{Driver, gemm_on, with_operands};
use super::*;
use crate::check::values;
use crate::simd::Isa;
use crate::simd::peers;
use proptest::prelude::*;

/// Numbers in (−1, 1).
fn numbers(seed: u64, len: usize) -> Vec<f32> {
    values::<f32>([len], seed).as_slice().iter().map(|x| 0.5 * x).collect()
}

fn paths() -> impl Iterator<Item = Isa> {
    Isa::available()
}

/// The three ways in which a matrix can lie in memory: by rows, by columns, with gaps everywhere.
fn layout(data: &[f32], rows: usize, cols: usize, which: u8) -> MatRef<'_, f32> {
    match which {
        0 => MatRef { data, rows, cols, row_stride: cols + 3, col_stride: 1 },
        1 => MatRef { data, rows, cols, row_stride: 1, col_stride: rows + 2 },
        _ => MatRef { data, rows, cols, row_stride: 2 * cols + 1, col_stride: 2 },
    }
}

fn oracle(a: MatRef<'_, f32>, b: MatRef<'_, f32>, i: usize, j: usize) -> f64 {
    (0..a.cols)
        .map(|k| {
            let a = a.data[i * a.row_stride + k * a.col_stride];
            f64::from(a) * f64::from(b.data[k * b.row_stride + j * b.col_stride])
        })
        .sum()
}

fn check(m: usize, n: usize, k: usize, a_layout: u8, b_layout: u8, how: Accumulate, driver: Driver) {
    let a = numbers(1, (2 * m + 3) * (2 * k + 3));
    let b = numbers(2, (2 * k + 3) * (2 * n + 3));
    let (a, b) = (layout(&a, m, k, a_layout), layout(&b, k, n, b_layout));
    let c_row_stride = n + 1;
    let before = match how {
        Accumulate::Overwrite => vec![f32::NAN; m * c_row_stride],
        Accumulate::Add => numbers(3, m * c_row_stride),
    };
    let mut first: Option<Vec<f32>> = None;
    for isa in paths() {
        let mut c = before.clone();
        gemm_on(isa, driver, a, b, &mut c, c_row_stride, how.into());
        for i in 0..m {
            for j in 0..n {
                let at = i * c_row_stride + j;
                let start = if how == Accumulate::Add { f64::from(before[at]) } else { 0.0 };
                let exact = start + oracle(a, b, i, j);
                let error = (f64::from(c[at]) - exact).abs();
                let allowed = 1e-6 * (k as f64 + 1.0).sqrt() * exact.abs().max(1.0);
                assert!(error <= allowed, "{isa:?} ({m}, {n}, {k}) at ({i}, {j}): {} for {exact}", c[at]);
            }
            assert_eq!(c[i * c_row_stride + n].to_bits(), before[i * c_row_stride + n].to_bits());
        }
        let first = first.get_or_insert_with(|| c.clone());
        assert!(first.iter().zip(&c).all(|(x, y)| x.to_bits() == y.to_bits()), "{isa:?}: other bits");
    }
}

fn how() -> impl Strategy<Value = Accumulate> {
    prop_oneof![Just(Accumulate::Overwrite), Just(Accumulate::Add)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]
    #[test]
    fn products_are_those_of_f64_and_the_same_bits_on_every_path(
        m in 0usize..=80, n in 0usize..=80, k in 0usize..=80,
        a in 0u8..3, b in 0u8..3, how in how(),
    ) {
        check(m, n, k, a, b, how, multiply);
    }

    #[test]
    fn a_bias_of_columns_is_what_every_row_starts_from(
        m in 0usize..=40, n in 1usize..=130, k in 0usize..=60, a in 0u8..3, b in 0u8..3,
    ) {
        let (from_a, from_b) = (numbers(1, (2 * m + 3) * (2 * k + 3)), numbers(2, (2 * k + 3) * (2 * n + 3)));
        let (a, b) = (layout(&from_a, m, k, a), layout(&from_b, k, n, b));
        let bias = numbers(3, n);
        for isa in paths() {
            let mut expected: Vec<f32> = (0..m).flat_map(|_| bias.iter().copied()).collect();
            gemm_on(isa, multiply, a, b, &mut expected, n, Start::Current);
            for driver in [multiply, multiply_parallel as Driver] {
                let mut c = vec![f32::NAN; m * n];
                gemm_on(isa, driver, a, b, &mut c, n, Start::Columns(&bias));
                prop_assert!(c.iter().zip(&expected).all(|(x, y)| x.to_bits() == y.to_bits()), "{isa:?}");
            }
        }
    }
}

#[test]
fn blocks_of_every_loop() {
    // More than one block of rows, of columns and of depth, each with an incomplete last tile.
    check(521, 49, 130, 0, 0, Accumulate::Overwrite, multiply);
    check(17, 403, 515, 1, 1, Accumulate::Add, multiply);
    check(301, 437, 70, 0, 1, Accumulate::Add, multiply_parallel);
    check(137, 1000, 33, 1, 0, Accumulate::Overwrite, multiply_parallel);
    // B read where it lies.
    check(131, 208, 57, 0, 0, Accumulate::Overwrite, multiply);
    check(101, 48, 256, 1, 0, Accumulate::Add, multiply);
    check(250, 1008, 31, 0, 0, Accumulate::Add, multiply_parallel);
    check(37, 64, 1100, 0, 0, Accumulate::Add, multiply);
    // B streamed: few rows, few steps.
    check(1, 1100, 130, 0, 0, Accumulate::Overwrite, multiply);
    check(3, 2077, 300, 1, 0, Accumulate::Add, multiply_parallel);
    check(6, 203, 40, 2, 0, Accumulate::Overwrite, multiply);
    check(23, 2111, 9, 0, 0, Accumulate::Add, multiply);
    check(70, 3001, 12, 1, 0, Accumulate::Overwrite, multiply_parallel);
}

#[test]
fn other_libraries_agree() {
    let (m, n, k) = (131, 77, 301);
    let (a, b) = (numbers(1, m * k), numbers(2, k * n));
    let mut ours = vec![f32::NAN; m * n];
    sgemm(MatRef::row_major(&a, m, k), MatRef::row_major(&b, k, n), &mut ours, n, Accumulate::Overwrite);
    for theirs in [peers::matrixmultiply, peers::gemm, peers::gemm_parallel as peers::Product] {
        let mut c = vec![0.0f32; m * n];
        theirs([m, n, k], &a, &b, &mut c);
        for (ours, theirs) in ours.iter().zip(&c) {
            assert!((ours - theirs).abs() < 2e-5, "{ours} {theirs}");
        }
    }
}

#[test]
fn the_number_of_threads_changes_no_bit() {
    let (m, n, k) = (65, 130, 9000);
    let (a, b) = (numbers(1, m * k), numbers(2, k * n));
    let run = |threads: usize, driver: &(dyn Fn(&mut [f32]) + Sync)| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let mut c = vec![f32::NAN; m * n];
        pool.install(|| driver(&mut c));
        c.into_iter().map(f32::to_bits).collect::<Vec<_>>()
    };
    let (rows, cols) = (MatRef::row_major(&a, m, k), MatRef::row_major(&b, k, n));
    let whole = |c: &mut [f32]| par_sgemm(rows, cols, c, n, Accumulate::Overwrite);
    let sliced = |c: &mut [f32]| {
        with_operands(rows, cols, |a, b| multiply_sliced(Isa::active(), a, b, c, Start::Zero));
    };
    for driver in [&whole as &(dyn Fn(&mut [f32]) + Sync), &sliced] {
        let one = run(1, driver);
        for threads in [2, 3, 7] {
            assert!(one == run(threads, driver), "{threads} threads");
        }
    }
}

#[test]
fn slices_sum_to_the_product() {
    let (m, n, k) = (9, 50, 5003);
    let (a, b) = (numbers(1, m * k), numbers(2, k * n));
    let (a, b) = (MatRef::row_major(&a, m, k), MatRef::row_major(&b, k, n));
    let (bias, bias_of_columns) = (numbers(5, m), numbers(6, n));
    let before = numbers(4, m * n);
    for start in [Start::Zero, Start::Current, Start::Rows(&bias), Start::Columns(&bias_of_columns)] {
        let mut c = if let Start::Current = start { before.clone() } else { vec![f32::NAN; m * n] };
        with_operands(a, b, |a, b| multiply_sliced(Isa::active(), a, b, &mut c, start));
        for (at, value) in c.iter().enumerate() {
            let first = match start {
                Start::Zero => 0.0,
                Start::Current => before[at],
                Start::Rows(bias) => bias[at / n],
                Start::Columns(bias) => bias[at % n],
            };
            let exact = f64::from(first) + oracle(a, b, at / n, at % n);
            assert!((f64::from(*value) - exact).abs() < 1e-4, "{value} for {exact}");
        }
    }
}

#[test]
fn f64_in_parallel_blocks() {
    let (m, n, k) = (150, 90, 110);
    let a: Vec<f64> = numbers(1, m * k).into_iter().map(f64::from).collect();
    let b: Vec<f64> = numbers(2, k * n).into_iter().map(f64::from).collect();
    let mut c = vec![1.0; m * n];
    let (a, b) = (MatRef::row_major(&a, k, m).transposed(), MatRef::row_major(&b, k, n));
    par_dgemm(a, b, &mut c, n, Accumulate::Add);
    for (at, value) in c.iter().enumerate() {
        let exact: f64 = (0..k).map(|p| a.data[p * m + at / n] * b.data[p * n + at % n]).sum();
        assert!((value - 1.0 - exact).abs() < 1e-12);
    }
}
