//! Products of f32 matrices whose numbers are rounded to bf16 as panels are packed, with sums in f32.
//!
//! A number of C is defined as in an f32 product: one sum in the order of k, each step a multiply-add of rounded numbers with a
//! single rounding. There are two [methods](Bf16Method), whose bits are the same. With *multiply-adds*, panels hold rounded numbers
//! ([`Rounded`]), and everything else is the f32 product. With *dot products*, each 32-bit word of a panel holds the numbers of
//! two neighbouring k ([`Pairs`]), and the same microkernel, over half as many steps, multiplies words instead of numbers:
//! `vdpbf16ps` adds the product of the upper halves to a sum, then that of the lower halves, each time rounded to the nearest f32
//! (Intel 64 and IA-32 Architectures Software Developer's Manual, volume 2).
//!
//! The instruction takes subnormal operands, and leaves subnormal results, as zero. None appear. An operand that is not zero is at
//! least 2⁻⁵⁵, so with 8 significant bits it is a multiple of 2⁻⁶². A product is then a multiple of 2⁻¹²⁴, and so is every rounded
//! sum of them that starts from 0, or from a number of at least 2⁻¹⁰⁰, whose last bit is 2⁻¹²³ or more. The least normal number is
//! 2⁻¹²⁶. Nor is a sum ever −0, which adding a pair's missing half would change: it starts from +0, and one that cancels is +0.

mod method;
mod operands;
#[cfg(test)]
mod tests;

use super::driver::{multiply, multiply_parallel};
use super::matrix::MatRef;
use super::output::Output;
use super::sgemm::{Driver, with_operands};
use super::start::{Accumulate, Start};
use crate::simd::{Isa, vectorized};
pub use method::Bf16Method;
use operands::{Pairs, Rounded};
use rayon::prelude::*;

/// What a sum starts from counts as zero below this magnitude.
const LEAST_START: f32 = f32::from_bits((127 - 100) << 23);

/// `c` (row-major, `a.rows` × `b.cols`, rows `c_row_stride` apart) ← a·b, or c + a·b, of numbers rounded to bf16, on the calling
/// thread. Numbers of a and b below 2⁻⁵⁵, and of c below 2⁻¹⁰⁰, count as zero.
///
/// # Panics
/// When `a.cols` ≠ `b.rows`, or a matrix reaches beyond its data, or rows of `c` overlap.
pub fn bf16_gemm(
    a: MatRef<'_, f32>,
    b: MatRef<'_, f32>,
    c: &mut [f32],
    c_row_stride: usize,
    how: Accumulate,
) {
    if how == Accumulate::Add {
        c.chunks_mut(c_row_stride.max(1)).take(a.rows).for_each(|row| flush(row, b.cols));
    }
    gemm_on((Isa::active(), Bf16Method::active()), multiply, a, b, c, c_row_stride, how.into());
}

/// [`bf16_gemm`] on all threads of the pool, with the same bits. A small product stays on the calling thread.
///
/// # Panics
/// As [`bf16_gemm`].
pub fn par_bf16_gemm(
    a: MatRef<'_, f32>,
    b: MatRef<'_, f32>,
    c: &mut [f32],
    c_row_stride: usize,
    how: Accumulate,
) {
    /// Numbers that are worth handing to another thread.
    const TOGETHER: usize = 1 << 15;
    if how == Accumulate::Add {
        let rows = c.par_chunks_mut(c_row_stride.max(1)).take(a.rows);
        rows.with_min_len(TOGETHER.div_ceil(b.cols.max(1))).for_each(|row| flush(row, b.cols));
    }
    gemm_on((Isa::active(), Bf16Method::active()), multiply_parallel, a, b, c, c_row_stride, how.into());
}

/// `c` ← a·b with `bias`, a number for each column, added to every row, of numbers rounded to bf16, on all threads of the pool. Numbers of
/// a and b below 2⁻⁵⁵, and of the bias below 2⁻¹⁰⁰, count as zero.
///
/// # Panics
/// As [`bf16_gemm`]; and when `bias` has another length than `b.cols`.
pub fn par_bf16_gemm_with_bias(
    a: MatRef<'_, f32>,
    b: MatRef<'_, f32>,
    bias: &[f32],
    c: &mut [f32],
    c_row_stride: usize,
) {
    let mut flushed = bias.to_vec();
    flush(&mut flushed, b.cols);
    let method = (Isa::active(), Bf16Method::active());
    gemm_on(method, multiply_parallel, a, b, c, c_row_stride, Start::Columns(&flushed));
}

/// The product with a method that the processor has; what `c` starts from is [flushed](flush) already.
fn gemm_on(
    (isa, method): (Isa, Bf16Method),
    driver: Driver,
    a: MatRef<'_, f32>,
    b: MatRef<'_, f32>,
    c: &mut [f32],
    c_row_stride: usize,
    start: Start<'_>,
) {
    let c = Output::matrix(c, a.rows, b.cols, c_row_stride);
    with_operands(a, b, |a, b| match method {
        Bf16Method::MultiplyAdds => driver(isa, &Rounded(a), &Rounded(b), &c, start),
        Bf16Method::DotProducts => {
            assert_eq!(isa, Isa::Avx512, "dot products belong to AVX-512");
            driver(isa, &Pairs::new(a), &Pairs::new(b), &c, start);
        }
    });
}

/// Makes numbers of a row's first `cols` zero that are too small for a sum to start from.
fn flush(row: &mut [f32], cols: usize) {
    let cols = cols.min(row.len());
    vectorized(
        #[inline(always)]
        || {
            for x in &mut row[..cols] {
                *x = if x.abs() < LEAST_START { 0.0 } else { *x };
            }
        },
    );
}
