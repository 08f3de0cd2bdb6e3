//! f32 products of other crates behind one safe signature: tests check this crate's by them, and benches measure them beside it.

/// An f32 product C ← A·B of row-major matrices, A being m × k and B k × n.
pub type Product = fn(size: [usize; 3], a: &[f32], b: &[f32], c: &mut [f32]);

fn check([m, n, k]: [usize; 3], a: &[f32], b: &[f32], c: &[f32]) -> [isize; 2] {
    assert_eq!([a.len(), b.len(), c.len()], [m * k, k * n, m * n], "matrices of the size given");
    [n as isize, k as isize]
}

/// By the crate `matrixmultiply`, on one thread.
///
/// # Panics
/// When a slice does not have its matrix's length.
pub fn matrixmultiply(size: [usize; 3], a: &[f32], b: &[f32], c: &mut [f32]) {
    let ([m, n, k], [row_n, row_k]) = (size, check(size, a, b, c));
    let (a, b, c) = (a.as_ptr(), b.as_ptr(), c.as_mut_ptr());
    // SAFETY: `check` found the slices to have the lengths of contiguous row-major matrices with these strides, and C is borrowed
    // mutably.
    unsafe { ::matrixmultiply::sgemm(m, k, n, 1.0, a, row_k, 1, b, row_n, 1, 0.0, c, row_n, 1) }
}

/// By the crate `gemm`, on one thread.
///
/// # Panics
/// As [`matrixmultiply()`].
pub fn gemm(size: [usize; 3], a: &[f32], b: &[f32], c: &mut [f32]) {
    gemm_by(::gemm::Parallelism::None, size, a, b, c);
}

/// By the crate `gemm`, on the threads of rayon's pool.
///
/// # Panics
/// As [`matrixmultiply()`].
pub fn gemm_parallel(size: [usize; 3], a: &[f32], b: &[f32], c: &mut [f32]) {
    gemm_by(::gemm::Parallelism::Rayon(0), size, a, b, c);
}

fn gemm_by(threads: ::gemm::Parallelism, size: [usize; 3], a: &[f32], b: &[f32], c: &mut [f32]) {
    let ([m, n, k], [row_n, row_k]) = (size, check(size, a, b, c));
    let (a, b, c) = (a.as_ptr(), b.as_ptr(), c.as_mut_ptr());
    let (zero, one, conjugate) = (0.0, 1.0, false);
    // SAFETY: `check` found the slices to have the lengths of contiguous row-major matrices with these strides, and C is borrowed
    // mutably.
    unsafe {
        ::gemm::gemm(
            m, n, k, c, 1, row_n, false, a, 1, row_k, b, 1, row_n, zero, one, conjugate, conjugate,
            conjugate, threads,
        );
    }
}
