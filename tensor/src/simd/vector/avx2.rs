//! Vectors of eight.

use super::{MANTISSA, Vector, register_arithmetic};
use std::arch::x86_64::*;

const W: usize = 8;

/// One AVX register. Only code that [`crate::simd::Isa::Avx2`] was detected for may use it.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub(in crate::simd) struct Avx2Vector(__m256);

/// All bits of each of the first `len` lanes.
#[inline(always)]
fn first(len: usize) -> __m256i {
    // SAFETY: the processor has AVX2, as this type's users have made sure; so below.
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
        _mm256_max_ps
    );

    #[inline(always)]
    fn load_some(from: &[f32]) -> Avx2Vector {
        match from.first_chunk::<W>() {
            Some(all) => Self::load(all),
            // SAFETY: masked lanes are not touched, the others are inside the slice.
            None => Avx2Vector(unsafe { _mm256_maskload_ps(from.as_ptr(), first(from.len())) }),
        }
    }
    #[inline(always)]
    fn times_two_to(self, power: Avx2Vector) -> Avx2Vector {
        // SAFETY: as in `first`.
        unsafe {
            let exponent = _mm256_slli_epi32::<MANTISSA>(_mm256_castps_si256(power.0));
            Avx2Vector(_mm256_castsi256_ps(_mm256_add_epi32(_mm256_castps_si256(self.0), exponent)))
        }
    }
    // Masked stores take a microprogram of dozens of steps on many processors: parts of a vector go by halves, pairs
    // and single numbers.
    #[inline(always)]
    fn store_some(self, to: &mut [f32]) {
        if let Some(all) = to.first_chunk_mut::<W>() {
            return self.store(all);
        }
        let (mut at, len) = (to.as_mut_ptr(), to.len());
        // SAFETY: as many numbers as the bits of the slice's length say, one part behind the other.
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

/// The transpose of an 8 × 8 matrix: in pairs, in fours, then by halves of a register.
#[target_feature(enable = "avx,fma,avx2")]
#[inline]
fn transpose(rows: [__m256; W]) -> [__m256; W] {
    let mut pairs = rows;
    for i in 0..4 {
        pairs[2 * i] = _mm256_unpacklo_ps(rows[2 * i], rows[2 * i + 1]);
        pairs[2 * i + 1] = _mm256_unpackhi_ps(rows[2 * i], rows[2 * i + 1]);
    }
    // Half h of fours[4 i + j]: column 4 h + j of rows 4 i to 4 i + 3.
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
