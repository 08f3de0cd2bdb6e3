//! Matrix products: C ← A·B or C ← C + A·B.
//!
//! How the f32 product works, from the inside out:
//!
//! 1. The *microkernel* (`simd::microkernel`) holds a tile of C in registers, and adds to it
//!    the outer product of a column of A and a row of B for one k after the other. It is all arithmetic: two
//!    fused multiply-adds a cycle on most processors.
//! 2. For that it must find its operands in the order in which it reads them, so they are copied first into
//!    *panels* (`pack`). A copy costs one load and store per number, and each number is then used as often as C
//!    has rows or columns, straight from a near cache. The copy is also where a transpose, or the window of a
//!    convolution (`planes`), costs nothing extra.
//! 3. The *driver* cuts the product into blocks whose panels fit the caches, and into tasks for threads.
//! 4. The *output* says where a tile's rows and columns lie in memory.
//! 5. A C of few rows, or a sum of few steps, is *streamed* (`streamed`): there copying B would take as long as multiplying.
//!
//! Every element of C is one sum in the order of k, each step a multiply-add with a single rounding; where the
//! sum is interrupted, it goes on from the number stored in C. So its bits depend neither on the shape of tiles
//! and blocks, nor on the instruction set, nor on the number of threads. Only a long sum for a small C is cut
//! into slices (`multiply_sliced`), and where is a function of the shape.

mod blocks;
mod driver;
pub(super) mod microkernel;
mod output;
mod pack;
mod planes;
mod runs;
mod streamed;

#[cfg(test)]
mod tests;

pub(super) use driver::{Start, multiply, multiply_parallel, multiply_sliced, share};
pub(super) use output::Output;
pub(super) use pack::{Operand, Strided};
pub(super) use planes::{FeatureLanes, Planes, PositionLanes, Window};

use crate::simd::Isa;
use rayon::prelude::*;

/// Whether a kernel's result replaces its output or is added to it (β = 0 or 1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Accumulate {
    /// β = 0: what the output held is never read.
    Overwrite,
    /// β = 1.
    Add,
}

/// A matrix seen through strides, so that a transposed operand is no copy.
#[derive(Debug, Clone, Copy)]
pub struct MatRef<'a, T> {
    /// The numbers; element (i, j) is `data[i * row_stride + j * col_stride]`.
    pub data: &'a [T],
    /// Rows.
    pub rows: usize,
    /// Columns.
    pub cols: usize,
    /// Elements from one row to the next.
    pub row_stride: usize,
    /// Elements from one column to the next.
    pub col_stride: usize,
}

impl<'a, T> MatRef<'a, T> {
    /// A contiguous row-major matrix.
    pub fn row_major(data: &'a [T], rows: usize, cols: usize) -> MatRef<'a, T> {
        MatRef { data, rows, cols, row_stride: cols, col_stride: 1 }
    }

    /// The same numbers with rows and columns exchanged.
    pub fn transposed(self) -> MatRef<'a, T> {
        MatRef {
            rows: self.cols,
            cols: self.rows,
            row_stride: self.col_stride,
            col_stride: self.row_stride,
            ..self
        }
    }

    /// Panics when an element would lie outside the data.
    fn check(&self) {
        if self.rows > 0 && self.cols > 0 {
            let last = (self.rows - 1) * self.row_stride + (self.cols - 1) * self.col_stride;
            assert!(last < self.data.len(), "a matrix reaches beyond its data");
        }
    }
}

/// The element types that matrices can be multiplied in.
pub trait Gemm: Sized {
    /// `c` (row-major, `a.rows` × `b.cols`, rows `c_row_stride` apart) ← a·b, or c + a·b, on the calling thread.
    ///
    /// # Panics
    /// When `a.cols` ≠ `b.rows`, or a matrix reaches beyond its data, or rows of `c` overlap.
    fn gemm(a: MatRef<'_, Self>, b: MatRef<'_, Self>, c: &mut [Self], c_row_stride: usize, how: Accumulate);

    /// The same on all threads of the pool, with the same bits. A small product stays on the calling thread.
    ///
    /// # Panics
    /// As [`Gemm::gemm`].
    fn par_gemm(
        a: MatRef<'_, Self>,
        b: MatRef<'_, Self>,
        c: &mut [Self],
        c_row_stride: usize,
        how: Accumulate,
    );
}

impl Gemm for f32 {
    fn gemm(a: MatRef<'_, f32>, b: MatRef<'_, f32>, c: &mut [f32], c_row_stride: usize, how: Accumulate) {
        gemm_on(Isa::active(), multiply, a, b, c, c_row_stride, how);
    }

    fn par_gemm(a: MatRef<'_, f32>, b: MatRef<'_, f32>, c: &mut [f32], c_row_stride: usize, how: Accumulate) {
        gemm_on(Isa::active(), multiply_parallel, a, b, c, c_row_stride, how);
    }
}

type Driver = fn(Isa, &dyn Operand, &dyn Operand, &Output<'_>, Start<'_>);

fn gemm_on(
    isa: Isa,
    driver: Driver,
    a: MatRef<'_, f32>,
    b: MatRef<'_, f32>,
    c: &mut [f32],
    c_row_stride: usize,
    how: Accumulate,
) {
    let c = Output::matrix(c, a.rows, b.cols, c_row_stride);
    // The columns of B are the rows of its transpose.
    with_lanes(a, |a| with_lanes(b.transposed(), |b| driver(isa, a, b, &c, how.into())));
}

impl From<Accumulate> for Start<'_> {
    fn from(how: Accumulate) -> Self {
        match how {
            Accumulate::Overwrite => Start::Zero,
            Accumulate::Add => Start::Current,
        }
    }
}

/// Calls `body` with the operand whose lanes are the matrix's rows.
fn with_lanes<R>(m: MatRef<'_, f32>, body: impl FnOnce(&dyn Operand) -> R) -> R {
    m.check();
    if m.col_stride == 1 && m.row_stride >= m.cols {
        body(&FeatureLanes(Planes::matrix(m.data, m.rows, m.cols, m.row_stride)))
    } else if m.row_stride == 1 && m.col_stride >= m.rows {
        body(&PositionLanes(Planes::matrix(m.data, m.cols, m.rows, m.col_stride)))
    } else {
        body(&Strided {
            data: m.data,
            lanes: m.rows,
            depth: m.cols,
            lane_stride: m.row_stride,
            depth_stride: m.col_stride,
        })
    }
}

impl Gemm for f64 {
    fn gemm(a: MatRef<'_, f64>, b: MatRef<'_, f64>, c: &mut [f64], c_row_stride: usize, how: Accumulate) {
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

    fn par_gemm(a: MatRef<'_, f64>, b: MatRef<'_, f64>, c: &mut [f64], c_row_stride: usize, how: Accumulate) {
        const ROWS: usize = 64;
        const LEAST_WORK: usize = 1 << 20;
        a.check();
        if a.rows <= ROWS || a.rows * a.cols * b.cols < LEAST_WORK || c_row_stride == 0 {
            return Self::gemm(a, b, c, c_row_stride, how);
        }
        let end = (a.rows - 1) * c_row_stride + b.cols;
        c[..end].par_chunks_mut(ROWS * c_row_stride).enumerate().for_each(|(block, c)| {
            let first = block * ROWS;
            let rows = ROWS.min(a.rows - first);
            let data = a.data.get(first * a.row_stride..).unwrap_or(&[]);
            Self::gemm(MatRef { data, rows, ..a }, b, c, c_row_stride, how);
        });
    }
}
