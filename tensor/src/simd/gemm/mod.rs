//! C ← A·B or C ← C + A·B.

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
}

/// The element types that matrices can be multiplied in.
pub trait Gemm: Sized {
    /// `c` (row-major, `a.rows` × `b.cols`, rows `c_row_stride` apart) ← a·b, or c + a·b, on the calling thread.
    fn gemm(a: MatRef<'_, Self>, b: MatRef<'_, Self>, c: &mut [Self], c_row_stride: usize, how: Accumulate);
}

impl Gemm for f64 {
    fn gemm(_a: MatRef<'_, Self>, _b: MatRef<'_, Self>, _c: &mut [Self], _s: usize, _how: Accumulate) {}
}
impl Gemm for f32 {
    fn gemm(_a: MatRef<'_, Self>, _b: MatRef<'_, Self>, _c: &mut [Self], _s: usize, _how: Accumulate) {}
}
