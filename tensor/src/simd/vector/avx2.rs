//! Vectors of eight numbers: AVX2 with FMA.

use super::arithmetic::{MANTISSA, Vector, register_arithmetic};
use std::arch::x86_64::*;

const W: usize = 8;

/// One AVX register. Only code that `on_isa!` compiled for [`crate::simd::Isa::Avx2`] may use it.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub(in crate::simd) struct Avx2Vector(__m256);

/// A mask with all bits set in each of the first `len` lanes.
#[inline(always)]
fn first(len: usize) -> __m256i {
    // SAFETY: this type is used under `on_isa!` only, which runs on a processor that has AVX2.
    unsafe {
        let lanes = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
        _mm256_cmpgt_epi32(_mm256_set1_epi32(len.min(W) as i32), lanes)
    }
}

impl Vector<W> for Avx2Vector {
    register_arithmetic!(
        Avx2Vector,
        _mm256_setzero_ps,
        _mm256_loadu_ps,
        _mm256_storeu_ps,
        _mm256_set1_ps,
        _mm256_mul_ps,
        _mm256_div_ps,
        _mm256_add_ps,
        _mm256_sub_ps,
        _mm256_fmadd_ps,
        _mm256_min_ps,
        _mm256_max_ps,
        _mm_prefetch::<_MM_HINT_T0>,
        _mm_prefetch::<_MM_HINT_T1>
    );

    const REGISTERS: usize = 16;

    #[inline(always)]
    fn load_some(from: &[f32]) -> Avx2Vector {
        match from.first_chunk::<W>() {
            Some(all) => Self::load(all),
            // SAFETY: this type is used under `on_isa!` only, which runs on a processor that has AVX2;
            // lanes beyond the slice are masked, and masked lanes are not accessed.
            None => Avx2Vector(unsafe { _mm256_maskload_ps(from.as_ptr(), first(from.len())) }),
        }
    }
    #[inline(always)]
    fn times_two_to(self, power: Avx2Vector) -> Avx2Vector {
        // SAFETY: this type is used under `on_isa!` only, which runs on a processor that has AVX2.
        unsafe {
            let exponent = _mm256_slli_epi32::<MANTISSA>(_mm256_castps_si256(power.0));
            Avx2Vector(_mm256_castsi256_ps(_mm256_add_epi32(_mm256_castps_si256(self.0), exponent)))
        }
    }
    // Masked stores are microcoded, and take dozens of cycles, on many processors: a part of a vector is stored as a half, a pair
    // and a single number.
    #[inline(always)]
    fn store_some(self, to: &mut [f32]) {
        if let Some(all) = to.first_chunk_mut::<W>() {
            return self.store(all);
        }
        let (mut at, len) = (to.as_mut_ptr(), to.len());
        // SAFETY: this type is used under `on_isa!` only, which runs on a processor that has AVX2.
        // The slice is shorter than a vector, so the bits of its length say which parts it has: 4, 2 and 1 numbers, one after the other.
        unsafe {
            let mut rest = _mm256_castps256_ps128(self.0);
            if len & 4 != 0 {
                _mm_storeu_ps(at, rest);
                (at, rest) = (at.add(4), _mm256_extractf128_ps::<1>(self.0));
            }
            if len & 2 != 0 {
                _mm_storel_pd(at.cast(), _mm_castps_pd(rest));
                (at, rest) = (at.add(2), _mm_movehl_ps(rest, rest));
            }
            if len & 1 != 0 {
                _mm_store_ss(at, rest);
            }
        }
    }
}

/// The transpose of an 8 × 8 matrix: pairs of numbers, then fours, then halves of registers are exchanged.
#[target_feature(enable = "avx,fma,avx2")]
#[inline]
fn transpose(rows: [__m256; W]) -> [__m256; W] {
    let mut pairs = rows;
    for i in 0..4 {
        pairs[2 * i] = _mm256_unpacklo_ps(rows[2 * i], rows[2 * i + 1]);
        pairs[2 * i + 1] = _mm256_unpackhi_ps(rows[2 * i], rows[2 * i + 1]);
    }
    // Half h of fours[4 i + j] is column 4 h + j of rows 4 i to 4 i + 3.
    let mut fours = pairs;
    for i in 0..2 {
        let (a, b) = (_mm256_castps_pd(pairs[4 * i]), _mm256_castps_pd(pairs[4 * i + 1]));
        let (c, d) = (_mm256_castps_pd(pairs[4 * i + 2]), _mm256_castps_pd(pairs[4 * i + 3]));
        fours[4 * i] = _mm256_castpd_ps(_mm256_unpacklo_pd(a, c));
        fours[4 * i + 1] = _mm256_castpd_ps(_mm256_unpackhi_pd(a, c));
        fours[4 * i + 2] = _mm256_castpd_ps(_mm256_unpacklo_pd(b, d));
        fours[4 * i + 3] = _mm256_castpd_ps(_mm256_unpackhi_pd(b, d));
    }
    const LOWER: i32 = 0x20;
    const UPPER: i32 = 0x31;
    let mut columns = fours;
    for j in 0..4 {
        columns[j] = _mm256_permute2f128_ps::<LOWER>(fours[j], fours[4 + j]);
        columns[4 + j] = _mm256_permute2f128_ps::<UPPER>(fours[j], fours[4 + j]);
    }
    columns
}
