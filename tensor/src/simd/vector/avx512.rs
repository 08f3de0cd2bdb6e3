//! Vectors of sixteen numbers: AVX-512.

use super::arithmetic::{MANTISSA, Vector, register_arithmetic};
use std::arch::x86_64::*;

const W: usize = 16;

/// One AVX-512 register. Only code that `on_isa!` compiled for [`crate::simd::Isa::Avx512`] may use it.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub(in crate::simd) struct Avx512Vector(pub(super) __m512);

/// A mask with a bit set for each of the first `len` lanes.
#[inline(always)]
fn first(len: usize) -> __mmask16 {
    if len < W { (1 << len) - 1 } else { !0 }
}

impl Vector<W> for Avx512Vector {
    register_arithmetic!(
        Avx512Vector,
        _mm512_setzero_ps,
        _mm512_loadu_ps,
        _mm512_storeu_ps,
        _mm512_set1_ps,
        _mm512_mul_ps,
        _mm512_div_ps,
        _mm512_add_ps,
        _mm512_sub_ps,
        _mm512_fmadd_ps,
        _mm512_min_ps,
        _mm512_max_ps,
        _mm_prefetch::<_MM_HINT_T0>,
        _mm_prefetch::<_MM_HINT_T1>
    );

    const REGISTERS: usize = 32;

    #[inline(always)]
    fn load_some(from: &[f32]) -> Avx512Vector {
        // SAFETY: this type is used under `on_isa!` only, which runs on a processor that has AVX-512;
        // lanes beyond the slice are masked, and masked lanes are not accessed.
        Avx512Vector(unsafe { _mm512_maskz_loadu_ps(first(from.len()), from.as_ptr()) })
    }
    #[inline(always)]
    fn store_some(self, to: &mut [f32]) {
        // SAFETY: this type is used under `on_isa!` only, which runs on a processor that has AVX-512;
        // lanes beyond the slice are masked, and masked lanes are not accessed.
        unsafe { _mm512_mask_storeu_ps(to.as_mut_ptr(), first(to.len()), self.0) }
    }
    #[inline(always)]
    fn times_two_to(self, power: Avx512Vector) -> Avx512Vector {
        // SAFETY: this type is used under `on_isa!` only, which runs on a processor that has AVX-512.
        unsafe {
            let exponent = _mm512_slli_epi32::<{ MANTISSA as u32 }>(_mm512_castps_si512(power.0));
            Avx512Vector(_mm512_castsi512_ps(_mm512_add_epi32(_mm512_castps_si512(self.0), exponent)))
        }
    }
}

/// The transpose of a 16 × 16 matrix: pairs of numbers, then fours, then quarters of registers are exchanged.
#[target_feature(enable = "avx512f")]
#[inline]
pub(super) fn transpose(rows: [__m512; W]) -> [__m512; W] {
    let mut pairs = rows;
    for i in 0..8 {
        pairs[2 * i] = _mm512_unpacklo_ps(rows[2 * i], rows[2 * i + 1]);
        pairs[2 * i + 1] = _mm512_unpackhi_ps(rows[2 * i], rows[2 * i + 1]);
    }
    // Quarter q of fours[4 i + j] is column 4 q + j of rows 4 i to 4 i + 3.
    let mut fours = pairs;
    for i in 0..4 {
        let (a, b) = (_mm512_castps_pd(pairs[4 * i]), _mm512_castps_pd(pairs[4 * i + 1]));
        let (c, d) = (_mm512_castps_pd(pairs[4 * i + 2]), _mm512_castps_pd(pairs[4 * i + 3]));
        fours[4 * i] = _mm512_castpd_ps(_mm512_unpacklo_pd(a, c));
        fours[4 * i + 1] = _mm512_castpd_ps(_mm512_unpackhi_pd(a, c));
        fours[4 * i + 2] = _mm512_castpd_ps(_mm512_unpacklo_pd(b, d));
        fours[4 * i + 3] = _mm512_castpd_ps(_mm512_unpackhi_pd(b, d));
    }
    const EVEN: i32 = 0b10_00_10_00;
    const ODD: i32 = 0b11_01_11_01;
    let mut columns = fours;
    for j in 0..4 {
        let even_low = _mm512_shuffle_f32x4::<EVEN>(fours[j], fours[4 + j]);
        let odd_low = _mm512_shuffle_f32x4::<ODD>(fours[j], fours[4 + j]);
        let even_high = _mm512_shuffle_f32x4::<EVEN>(fours[8 + j], fours[12 + j]);
        let odd_high = _mm512_shuffle_f32x4::<ODD>(fours[8 + j], fours[12 + j]);
        columns[j] = _mm512_shuffle_f32x4::<EVEN>(even_low, even_high);
        columns[8 + j] = _mm512_shuffle_f32x4::<ODD>(even_low, even_high);
        columns[4 + j] = _mm512_shuffle_f32x4::<EVEN>(odd_low, odd_high);
        columns[12 + j] = _mm512_shuffle_f32x4::<ODD>(odd_low, odd_high);
    }
    columns
}
