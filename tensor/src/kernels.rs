//! The one fork between f32 and f64: which code each kernel is, for either type.
//!
//! f32 is computed by the vector code of [`crate::simd`], f64 by products of `matrixmultiply` and by the formulas of
//! [`crate::reference`]. Everything else in this crate is generic and written once.

use crate::random::gauss;
use crate::reference;
use crate::simd::conv::{self, Addend, Geometry};
use crate::simd::group_norm::{self, Group};
use crate::simd::{
    Accumulate, Isa, MatRef, bf16_gemm, dgemm, par_bf16_gemm, par_bf16_gemm_with_bias, par_dgemm,
    par_dgemm_with_bias, par_sgemm, par_sgemm_with_bias, sgemm, sums,
};
use crate::{Number, Precision};

/// The kernels of an element type. The module is private, so that nobody outside can name or implement this trait.
pub trait Kernels: Number {
    /// `c` (row-major, rows `c_row_stride` apart) ← a·b, or c + a·b, on the calling thread; operands are rounded to bf16 if `precision`
    /// says so and they are f32.
    ///
    /// # Panics
    /// When `a.cols` ≠ `b.rows`, or a matrix reaches beyond its data, or rows of `c` overlap.
    fn gemm(
        precision: Precision,
        a: MatRef<'_, Self>,
        b: MatRef<'_, Self>,
        c: &mut [Self],
        c_row_stride: usize,
        how: Accumulate,
    );

    /// [`Kernels::gemm`] on all threads of the pool, with the same bits.
    fn par_gemm(
        precision: Precision,
        a: MatRef<'_, Self>,
        b: MatRef<'_, Self>,
        c: &mut [Self],
        c_row_stride: usize,
        how: Accumulate,
    );

    /// `c` ← a·b with `bias`, a number for each column, added to every row, on all threads of the pool.
    ///
    /// # Panics
    /// As [`Kernels::gemm`]; and when `bias` has another length than `b.cols`.
    fn par_gemm_with_bias(
        precision: Precision,
        a: MatRef<'_, Self>,
        b: MatRef<'_, Self>,
        bias: &[Self],
        c: &mut [Self],
        c_row_stride: usize,
    );

    /// y ← addend + w ∗ x.
    fn conv_forward(g: &Geometry, x: &[Self], w: &[Self], addend: Addend<'_, Self>, y: &mut [Self]);

    /// dx ← or += the gradient of the input.
    fn conv_grad_input(g: &Geometry, dy: &[Self], w: &[Self], dx: &mut [Self], how: Accumulate);

    /// dw ← or += the gradient of the weights.
    fn conv_grad_weight(g: &Geometry, x: &[Self], dy: &[Self], dw: &mut [Self], how: Accumulate);

    /// The sum over planes of `pixels` numbers whose starts are `stride` apart, the first at the start of `numbers`.
    fn sum_of_planes(numbers: &[Self], pixels: usize, stride: usize) -> Self;

    /// y ← the group normalised, scaled, shifted and activated. Returns the mean and 1 / √(variance + ε).
    fn group_norm(group: &Group<'_, Self>, eps: f64, y: &mut [Self]) -> (Self, Self);

    /// dx, which holds dy, ← the gradient of the group's x; with `onto`, `onto` ← `onto` + that, and what dx holds is undefined.
    /// Each channel's Σ dz and Σ dz x̂ are written to `sums`.
    fn group_norm_backward(
        group: &Group<'_, Self>,
        stats: (Self, Self),
        dx: &mut [Self],
        onto: Option<&mut [Self]>,
        sums: &mut [[f64; 2]],
    );

    /// Two standard normals from two random words.
    fn normal_pair(words: [u32; 2]) -> [Self; 2];

    /// A number of [0, 1) from a random word.
    fn unit(word: u32) -> Self;
}

impl Kernels for f32 {
    fn gemm(
        precision: Precision,
        a: MatRef<'_, f32>,
        b: MatRef<'_, f32>,
        c: &mut [f32],
        c_row_stride: usize,
        how: Accumulate,
    ) {
        match precision {
            Precision::F32 => sgemm(a, b, c, c_row_stride, how),
            Precision::Bf16 => bf16_gemm(a, b, c, c_row_stride, how),
        }
    }
    fn par_gemm(
        precision: Precision,
        a: MatRef<'_, f32>,
        b: MatRef<'_, f32>,
        c: &mut [f32],
        c_row_stride: usize,
        how: Accumulate,
    ) {
        match precision {
            Precision::F32 => par_sgemm(a, b, c, c_row_stride, how),
            Precision::Bf16 => par_bf16_gemm(a, b, c, c_row_stride, how),
        }
    }
    fn par_gemm_with_bias(
        precision: Precision,
        a: MatRef<'_, f32>,
        b: MatRef<'_, f32>,
        bias: &[f32],
        c: &mut [f32],
        c_row_stride: usize,
    ) {
        match precision {
            Precision::F32 => par_sgemm_with_bias(a, b, bias, c, c_row_stride),
            Precision::Bf16 => par_bf16_gemm_with_bias(a, b, bias, c, c_row_stride),
        }
    }
    fn conv_forward(g: &Geometry, x: &[f32], w: &[f32], addend: Addend<'_, f32>, y: &mut [f32]) {
        conv::forward(Isa::active(), g, x, w, addend, y);
    }
    fn conv_grad_input(g: &Geometry, dy: &[f32], w: &[f32], dx: &mut [f32], how: Accumulate) {
        conv::grad_input(Isa::active(), g, dy, w, dx, how);
    }
    fn conv_grad_weight(g: &Geometry, x: &[f32], dy: &[f32], dw: &mut [f32], how: Accumulate) {
        conv::grad_weight(Isa::active(), g, x, dy, dw, how);
    }
    fn sum_of_planes(numbers: &[f32], pixels: usize, stride: usize) -> f32 {
        sums::of_planes(Isa::active(), numbers, pixels, stride)
    }
    fn group_norm(group: &Group<'_, f32>, eps: f64, y: &mut [f32]) -> (f32, f32) {
        group_norm::normalise(Isa::active(), group, eps, y)
    }
    fn group_norm_backward(
        group: &Group<'_, f32>,
        stats: (f32, f32),
        dx: &mut [f32],
        onto: Option<&mut [f32]>,
        sums: &mut [[f64; 2]],
    ) {
        group_norm::differentiate(Isa::active(), group, stats, dx, onto, sums);
    }
    #[inline(always)]
    fn normal_pair([radius, angle]: [u32; 2]) -> [f32; 2] {
        gauss::pair_f32(radius, angle)
    }
    #[inline(always)]
    fn unit(word: u32) -> f32 {
        // The 24 highest bits: f32 holds no more, and rounding could give 1.
        (word >> 8) as f32 * (1.0 / 16_777_216.0)
    }
}

impl Kernels for f64 {
    fn gemm(
        _: Precision,
        a: MatRef<'_, f64>,
        b: MatRef<'_, f64>,
        c: &mut [f64],
        c_row_stride: usize,
        how: Accumulate,
    ) {
        dgemm(a, b, c, c_row_stride, how);
    }
    fn par_gemm(
        _: Precision,
        a: MatRef<'_, f64>,
        b: MatRef<'_, f64>,
        c: &mut [f64],
        c_row_stride: usize,
        how: Accumulate,
    ) {
        par_dgemm(a, b, c, c_row_stride, how);
    }
    fn par_gemm_with_bias(
        _: Precision,
        a: MatRef<'_, f64>,
        b: MatRef<'_, f64>,
        bias: &[f64],
        c: &mut [f64],
        c_row_stride: usize,
    ) {
        par_dgemm_with_bias(a, b, bias, c, c_row_stride);
    }
    fn conv_forward(g: &Geometry, x: &[f64], w: &[f64], addend: Addend<'_, f64>, y: &mut [f64]) {
        reference::conv::forward(g, x, w, addend, y);
    }
    fn conv_grad_input(g: &Geometry, dy: &[f64], w: &[f64], dx: &mut [f64], how: Accumulate) {
        reference::conv::grad_input(g, dy, w, dx, how);
    }
    fn conv_grad_weight(g: &Geometry, x: &[f64], dy: &[f64], dw: &mut [f64], how: Accumulate) {
        reference::conv::grad_weight(g, x, dy, dw, how);
    }
    fn sum_of_planes(numbers: &[f64], pixels: usize, stride: usize) -> f64 {
        numbers.chunks(stride).flat_map(|plane| &plane[..pixels]).sum()
    }
    fn group_norm(group: &Group<'_, f64>, eps: f64, y: &mut [f64]) -> (f64, f64) {
        reference::group_norm::normalise(group, eps, y)
    }
    fn group_norm_backward(
        group: &Group<'_, f64>,
        stats: (f64, f64),
        dx: &mut [f64],
        onto: Option<&mut [f64]>,
        sums: &mut [[f64; 2]],
    ) {
        reference::group_norm::differentiate(group, stats, dx, onto, sums);
    }
    #[inline(always)]
    fn normal_pair([radius, angle]: [u32; 2]) -> [f64; 2] {
        gauss::pair_f64(radius, angle)
    }
    #[inline(always)]
    fn unit(word: u32) -> f64 {
        f64::from(word) * (1.0 / 4_294_967_296.0)
    }
}
