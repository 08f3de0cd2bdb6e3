//! Products of f64 matrices, by the crate `matrixmultiply`.

use super::matrix::MatRef;
use super::start::Accumulate;
use rayon::prelude::*;

/// `c` (row-major, `a.rows` × `b.cols`, rows `c_row_stride` apart) ← a·b, or c + a·b, on the calling thread.
///
/// # Panics
/// When `a.cols` ≠ `b.rows`, or a matrix reaches beyond its data, or rows of `c` overlap.
pub fn dgemm(a: MatRef<'_, f64>, b: MatRef<'_, f64>, c: &mut [f64], c_row_stride: usize, how: Accumulate) {
    a.check();
    b.check();
    assert_eq!(a.cols, b.rows, "both operands have the same depth");
    assert!(c_row_stride >= b.cols, "rows of the product overlap");
    if a.rows == 0 || b.cols == 0 {
        return;
    }
    assert!((a.rows - 1) * c_row_stride + b.cols <= c.len(), "the product reaches beyond its data");
    let beta = match how {
        Accumulate::Overwrite => 0.0,
        Accumulate::Add => 1.0,
    };
    // SAFETY: every element of the three matrices was checked to lie inside its slice, and strides of
    // slices fit isize. With β = 0, C is written without being read.
    unsafe {
        matrixmultiply::dgemm(
            a.rows,
            a.cols,
            b.cols,
            1.0,
            a.data.as_ptr(),
            a.row_stride as isize,
            a.col_stride as isize,
            b.data.as_ptr(),
            b.row_stride as isize,
            b.col_stride as isize,
            beta,
            c.as_mut_ptr(),
            c_row_stride as isize,
            1,
        );
    }
}

/// [`dgemm`] on all threads of the pool, with the same bits. A small product stays on the calling thread.
///
/// # Panics
/// As [`dgemm`].
pub fn par_dgemm(
    a: MatRef<'_, f64>,
    b: MatRef<'_, f64>,
    c: &mut [f64],
    c_row_stride: usize,
    how: Accumulate,
) {
    const ROWS: usize = 64;
    const LEAST_WORK: usize = 1 << 20;
    a.check();
    if a.rows <= ROWS || a.rows * a.cols * b.cols < LEAST_WORK || c_row_stride == 0 {
        return dgemm(a, b, c, c_row_stride, how);
    }
    let end = (a.rows - 1) * c_row_stride + b.cols;
    c[..end].par_chunks_mut(ROWS * c_row_stride).enumerate().for_each(|(block, c)| {
        let first = block * ROWS;
        let rows = ROWS.min(a.rows - first);
        let data = a.data.get(first * a.row_stride..).unwrap_or(&[]);
        dgemm(MatRef { data, rows, ..a }, b, c, c_row_stride, how);
    });
}

/// `c` ← a·b with `bias`, a number for each column, added to every row. On all threads of the pool.
///
/// # Panics
/// As [`dgemm`]; and when `bias` has another length than `b.cols`.
pub fn par_dgemm_with_bias(
    a: MatRef<'_, f64>,
    b: MatRef<'_, f64>,
    bias: &[f64],
    c: &mut [f64],
    c_row_stride: usize,
) {
    c.chunks_mut(c_row_stride.max(1)).take(a.rows).for_each(|row| row[..b.cols].copy_from_slice(bias));
    par_dgemm(a, b, c, c_row_stride, Accumulate::Add);
}
