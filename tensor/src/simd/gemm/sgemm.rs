//! Products of f32 matrices.

use super::driver::{multiply, multiply_parallel};
use super::matrix::MatRef;
use super::operands::{ByFeature, ByPosition};
use super::output::Output;
use super::pack::{Operand, Strided};
use super::planes::Planes;
use super::start::{Accumulate, Start};
use crate::simd::Isa;

/// `c` (row-major, `a.rows` × `b.cols`, rows `c_row_stride` apart) ← a·b, or c + a·b, on the calling thread.
///
/// # Panics
/// When `a.cols` ≠ `b.rows`, or a matrix reaches beyond its data, or rows of `c` overlap.
pub fn sgemm(a: MatRef<'_, f32>, b: MatRef<'_, f32>, c: &mut [f32], c_row_stride: usize, how: Accumulate) {
    gemm_on(Isa::active(), multiply, a, b, c, c_row_stride, how.into());
}

/// [`sgemm`] on all threads of the pool, with the same bits. A small product stays on the calling thread.
///
/// # Panics
/// As [`sgemm`].
pub fn par_sgemm(
    a: MatRef<'_, f32>,
    b: MatRef<'_, f32>,
    c: &mut [f32],
    c_row_stride: usize,
    how: Accumulate,
) {
    gemm_on(Isa::active(), multiply_parallel, a, b, c, c_row_stride, how.into());
}

/// `c` ← a·b with `bias`, a number for each column, added to every row: each sum starts from it. On all threads of the pool.
///
/// # Panics
/// As [`sgemm`]; and when `bias` has another length than `b.cols`.
pub fn par_sgemm_with_bias(
    a: MatRef<'_, f32>,
    b: MatRef<'_, f32>,
    bias: &[f32],
    c: &mut [f32],
    c_row_stride: usize,
) {
    gemm_on(Isa::active(), multiply_parallel, a, b, c, c_row_stride, Start::Columns(bias));
}

/// How a product is run: on the calling thread, or on all.
pub(super) type Driver = fn(Isa, &dyn Operand, &dyn Operand, &Output<'_>, Start<'_>);

/// A product with an instruction set that the processor has, and any start.
pub(super) fn gemm_on(
    isa: Isa,
    driver: Driver,
    a: MatRef<'_, f32>,
    b: MatRef<'_, f32>,
    c: &mut [f32],
    c_row_stride: usize,
    start: Start<'_>,
) {
    let c = Output::matrix(c, a.rows, b.cols, c_row_stride);
    with_operands(a, b, |a, b| driver(isa, a, b, &c, start));
}

/// Calls `body` with the operands of the product a·b.
pub(super) fn with_operands<R>(
    a: MatRef<'_, f32>,
    b: MatRef<'_, f32>,
    body: impl FnOnce(&dyn Operand, &dyn Operand) -> R,
) -> R {
    // The columns of B are the rows of its transpose.
    with_operand(a, |a| with_operand(b.transposed(), |b| body(a, b)))
}

/// Calls `body` with the operand whose outer indices are the matrix's rows.
fn with_operand<R>(m: MatRef<'_, f32>, body: impl FnOnce(&dyn Operand) -> R) -> R {
    m.check();
    if m.col_stride == 1 && m.row_stride >= m.cols {
        body(&ByFeature(Planes::matrix(m.data, m.rows, m.cols, m.row_stride)))
    } else if m.row_stride == 1 && m.col_stride >= m.rows {
        body(&ByPosition(Planes::matrix(m.data, m.cols, m.rows, m.col_stride)))
    } else {
        body(&Strided {
            data: m.data,
            outer: m.rows,
            depth: m.cols,
            outer_stride: m.row_stride,
            depth_stride: m.col_stride,
        })
    }
}
