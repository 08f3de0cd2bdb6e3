//! Products of bf16 against their definition, number by number, with every instruction set and method that this machine has.

use super::operands::rounded;
use super::*;
use crate::bf16;
use crate::simd::gemm::{dgemm, sgemm};
use proptest::prelude::*;

/// Each instruction set with multiply-adds, and AVX-512 with dot products.
fn paths() -> Vec<(Isa, Bf16Method)> {
    let mut paths: Vec<_> = Isa::available().map(|isa| (isa, Bf16Method::MultiplyAdds)).collect();
    if method::has_dot_products() {
        paths.push((Isa::Avx512, Bf16Method::DotProducts));
    }
    paths
}

/// What is multiplied for a number of an operand.
fn operand(x: f32) -> f32 {
    match bf16::round(x) {
        small if small.abs() < 2.0f32.powi(-55) => 0.0,
        rounded => rounded,
    }
}

/// The definition: a sum in the order of k.
fn defined(start: f32, products: impl Iterator<Item = (f32, f32)>) -> f32 {
    let start = if start.abs() < 2.0f32.powi(-100) { 0.0 } else { start };
    products.fold(start, |sum, (a, b)| operand(a).mul_add(operand(b), sum))
}

/// A hash of two numbers (splitmix64).
fn hash(seed: u64, at: usize) -> u64 {
    let x = seed.wrapping_add((at as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let x = (x ^ x >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let x = (x ^ x >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ x >> 31
}

/// What numbers a matrix has.
#[derive(Debug, Clone, Copy)]
enum Kind {
    /// Near 1 in magnitude.
    Usual,
    /// Magnitudes of 2⁻¹⁴⁰ to 2¹⁰⁰, and zeros.
    Wide,
    /// Magnitudes of 2⁻⁶⁴ to 2⁻⁴⁸, around the least that is not taken for zero.
    Small,
    /// Any bits: infinities and what is not a number among them.
    Any,
}

impl Kind {
    fn number(self, seed: u64, at: usize) -> f32 {
        let bits = hash(seed, at);
        let unit = 1.0 + (bits & 0x7f_ffff) as f32 / 8_388_608.0;
        let signed = if bits >> 63 == 0 { unit } else { -unit };
        let within = |from: i32, many: u64| from + (bits >> 32 & 0xffff) as i32 % many as i32;
        match self {
            Kind::Usual => signed * 2.0f32.powi(within(-4, 8)),
            Kind::Wide if bits >> 48 & 15 == 0 => 0.0 * signed,
            Kind::Wide => (f64::from(signed) * 2.0f64.powi(within(-140, 241))) as f32,
            Kind::Small => signed * 2.0f32.powi(within(-64, 17)),
            Kind::Any if bits >> 48 & 7 == 0 => f32::from_bits(bits as u32),
            Kind::Any => signed,
        }
    }

    fn numbers(self, seed: u64, len: usize) -> Vec<f32> {
        (0..len).map(|at| self.number(seed, at)).collect()
    }
}

fn kind() -> impl Strategy<Value = Kind> {
    prop_oneof![Just(Kind::Usual), Just(Kind::Wide), Just(Kind::Small), Just(Kind::Any)]
}

fn oriented(data: &[f32], rows: usize, cols: usize, transposed: bool) -> MatRef<'_, f32> {
    match transposed {
        true => MatRef::row_major(data, cols, rows).transposed(),
        false => MatRef::row_major(data, rows, cols),
    }
}

fn same(x: f32, y: f32) -> bool {
    x.to_bits() == y.to_bits() || x.is_nan() && y.is_nan()
}

/// What a product starts from: as [`bf16_gemm`] has it, whichever the path.
fn start_of(before: &[f32], n: usize, how: Accumulate) -> Vec<f32> {
    let mut c = before.to_vec();
    if how == Accumulate::Add {
        c.chunks_mut(n + 1).for_each(|row| flush(row, n));
    }
    c
}

fn check(
    [m, n, k]: [usize; 3],
    transposed: [bool; 2],
    [a_kind, b_kind, c_kind]: [Kind; 3],
    how: Accumulate,
    seed: u64,
) {
    let (a, b) = (a_kind.numbers(seed, m * k), b_kind.numbers(seed ^ 1, k * n));
    let (a, b) = (oriented(&a, m, k, transposed[0]), oriented(&b, k, n, transposed[1]));
    // A gap between rows is left as it is, whatever it holds.
    let before = c_kind.numbers(seed ^ 2, m * (n + 1));
    let at = |x: MatRef<'_, f32>, i: usize, j: usize| x.data[i * x.row_stride + j * x.col_stride];
    let expected: Vec<f32> = (0..m * (n + 1))
        .map(|place| match (place / (n + 1), place % (n + 1)) {
            (_, j) if j == n => before[place],
            (i, j) => {
                let start = if how == Accumulate::Add { before[place] } else { 0.0 };
                defined(start, (0..k).map(|p| (at(a, i, p), at(b, p, j))))
            }
        })
        .collect();
    for (isa, method) in paths() {
        for (driver, threads) in
            [(multiply as Driver, 1), (multiply_parallel as Driver, 1), (multiply_parallel, 3)]
        {
            let mut c = start_of(&before, n, how);
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| gemm_on((isa, method), driver, a, b, &mut c, n + 1, how.into()));
            let wrong = c.iter().zip(&expected).position(|(x, y)| !same(*x, *y));
            if let Some(place) = wrong {
                panic!(
                    "{isa:?} {method:?} [{m}, {n}, {k}] {threads} threads at ({}, {}): {:e} for {:e}",
                    place / (n + 1),
                    place % (n + 1),
                    c[place],
                    expected[place]
                );
            }
        }
    }
}

fn how() -> impl Strategy<Value = Accumulate> {
    prop_oneof![Just(Accumulate::Overwrite), Just(Accumulate::Add)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]
    #[test]
    fn products_are_the_definitions_bits_on_every_path(
        m in 0usize..=40, n in 0usize..=100, k in 0usize..=90,
        transposed: [bool; 2], kinds in [kind(), kind(), kind()], how in how(), seed: u64,
    ) {
        check([m, n, k], transposed, kinds, how, seed);
    }

    #[test]
    fn what_is_multiplied_is_the_nearest_number_or_zero(bits: u32) {
        let x = f32::from_bits(bits);
        prop_assert!(same(f32::from_bits(rounded(x)), operand(x)));
    }
}

#[test]
fn blocks_of_every_loop_and_any_number_of_threads() {
    use Kind::{Usual, Wide};
    // More than one block of rows, of columns and of depth, each with an incomplete last tile; sums of an odd number of steps.
    check([13, 211, 1663], [false, false], [Usual, Usual, Usual], Accumulate::Add, 3);
    check([301, 437, 31], [false, true], [Wide, Usual, Wide], Accumulate::Overwrite, 5);
    check([137, 500, 129], [true, false], [Usual, Wide, Usual], Accumulate::Add, 7);
    check([1, 700, 130], [false, true], [Usual, Usual, Usual], Accumulate::Overwrite, 9);
    check([4201, 17, 5], [false, false], [Usual, Usual, Usual], Accumulate::Overwrite, 11);
}

/// The public functions flush what a sum starts from, and nothing beside it.
#[test]
fn what_is_added_to_counts_as_zero_where_it_is_small() {
    let (a, b) = ([2.0f32, -3.0, 0.0, 0.0], [1.0f32, 0.0, 0.0, 0.0]);
    let (a, b) = (MatRef::row_major(&a, 2, 2), MatRef::row_major(&b, 2, 2));
    for gemm in [bf16_gemm, par_bf16_gemm] {
        let mut c = [1e-30f32, 1e-31, 1e-40, -0.0, 1e-39, f32::NAN];
        gemm(a, b, &mut c, 3, Accumulate::Add);
        assert_eq!(
            c[..5].iter().map(|x| x.to_bits()).collect::<Vec<_>>(),
            [2.0, 0.0, 1e-40, 0.0, 0.0].map(f32::to_bits)
        );
        assert!(c[5].is_nan());
    }
}

/// Rounding both factors to 8 significant bits changes each product by less than 2⁻⁷ of it.
#[test]
fn products_are_near_those_of_f32_and_of_f64() {
    let (m, n, k) = (33, 50, 301);
    let (a, b) = (Kind::Usual.numbers(1, m * k), Kind::Usual.numbers(2, k * n));
    let [mut half, mut single] = [0, 1].map(|_| vec![f32::NAN; m * n]);
    let (a32, b32) = (MatRef::row_major(&a, m, k), MatRef::row_major(&b, k, n));
    bf16_gemm(a32, b32, &mut half, n, Accumulate::Overwrite);
    sgemm(a32, b32, &mut single, n, Accumulate::Overwrite);
    let magnitudes = |x: &[f32]| x.iter().map(|x| f64::from(x.abs())).collect::<Vec<f64>>();
    let (a, b) = (magnitudes(&a), magnitudes(&b));
    let mut most = vec![0.0f64; m * n];
    dgemm(MatRef::row_major(&a, m, k), MatRef::row_major(&b, k, n), &mut most, n, Accumulate::Overwrite);
    let mut differ = 0;
    for ((half, single), most) in half.iter().zip(&single).zip(most) {
        assert!((f64::from(*half) - f64::from(*single)).abs() < most / 128.0);
        differ += usize::from(half != single);
    }
    assert!(differ > m * n * 9 / 10, "products of rounded numbers are others");
}
