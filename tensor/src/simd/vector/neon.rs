//! Vectors of four numbers: NEON, which every 64-bit Arm processor has.

use super::arithmetic::{MANTISSA, Vector, register_arithmetic};
use std::arch::aarch64::*;
use std::arch::asm;

const W: usize = 4;

/// One NEON register.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub(in crate::simd) struct NeonVector(float32x4_t);

impl NeonVector {
    /// `self · c + sum` for each of the first numbers of `column`, which the multiply-adds take from the lanes of one register: a
    /// number by itself would have to be copied to all lanes first, by a pipe that could multiply in that time.
    #[inline(always)]
    fn add_products<const R: usize, const V: usize>(
        numbers: NeonVector,
        (first, count): (usize, usize),
        row: &[NeonVector; V],
        sums: &mut [[NeonVector; V]; R],
    ) {
        for lane in 0..W {
            if lane < count {
                for v in 0..V {
                    sums[first + lane][v] = row[v].mul_add_lane(numbers, lane, sums[first + lane][v]);
                }
            }
        }
    }
}

#[target_feature(enable = "neon")]
#[inline]
fn zero() -> float32x4_t {
    vdupq_n_f32(0.0)
}

#[target_feature(enable = "neon")]
#[inline]
fn fused(x: float32x4_t, factor: float32x4_t, sum: float32x4_t) -> float32x4_t {
    vfmaq_f32(sum, x, factor)
}

#[inline(always)]
unsafe fn prefetch_into_l1(from: *const f32) {
    // SAFETY: a prefetch is a hint: it accesses no memory, whatever the address.
    unsafe { asm!("prfm pldl1keep, [{}]", in(reg) from.addr(), options(nomem, nostack, preserves_flags)) }
}

#[inline(always)]
unsafe fn prefetch_into_l2(from: *const f32) {
    // SAFETY: a prefetch is a hint: it accesses no memory, whatever the address.
    unsafe { asm!("prfm pldl2keep, [{}]", in(reg) from.addr(), options(nomem, nostack, preserves_flags)) }
}

impl Vector<W> for NeonVector {
    register_arithmetic!(
        NeonVector,
        zero,
        vld1q_f32,
        vst1q_f32,
        vdupq_n_f32,
        vmulq_f32,
        vdivq_f32,
        vaddq_f32,
        vsubq_f32,
        fused,
        vminq_f32,
        vmaxq_f32,
        prefetch_into_l1,
        prefetch_into_l2
    );

    const REGISTERS: usize = 32;

    #[inline(always)]
    fn load_some(from: &[f32]) -> NeonVector {
        if let Some(all) = from.first_chunk::<W>() {
            return Self::load(all);
        }
        let at = from.as_ptr();
        // SAFETY: this target has NEON, and each arm loads as many numbers as the slice has.
        NeonVector(unsafe {
            match from.len() {
                0 => zero(),
                1 => vld1q_lane_f32::<0>(at, zero()),
                2 => vcombine_f32(vld1_f32(at), vdup_n_f32(0.0)),
                _ => vld1q_lane_f32::<2>(at.add(2), vcombine_f32(vld1_f32(at), vdup_n_f32(0.0))),
            }
        })
    }
    #[inline(always)]
    fn store_some(self, to: &mut [f32]) {
        if let Some(all) = to.first_chunk_mut::<W>() {
            return self.store(all);
        }
        let at = to.as_mut_ptr();
        // SAFETY: this target has NEON, and each arm stores as many numbers as the slice has room for.
        unsafe {
            match to.len() {
                0 => {}
                1 => vst1q_lane_f32::<0>(at, self.0),
                2 => vst1_f32(at, vget_low_f32(self.0)),
                _ => {
                    vst1_f32(at, vget_low_f32(self.0));
                    vst1q_lane_f32::<2>(at.add(2), self.0);
                }
            }
        }
    }
    #[inline(always)]
    fn times_two_to(self, power: NeonVector) -> NeonVector {
        // SAFETY: this target has NEON.
        unsafe {
            let exponent = vshlq_n_s32::<MANTISSA>(vreinterpretq_s32_f32(power.0));
            NeonVector(vreinterpretq_f32_s32(vaddq_s32(vreinterpretq_s32_f32(self.0), exponent)))
        }
    }
    #[inline(always)]
    fn mul_add_lane(self, numbers: NeonVector, lane: usize, sum: NeonVector) -> NeonVector {
        // SAFETY: this target has NEON.
        NeonVector(unsafe {
            match lane {
                0 => vfmaq_laneq_f32::<0>(sum.0, self.0, numbers.0),
                1 => vfmaq_laneq_f32::<1>(sum.0, self.0, numbers.0),
                2 => vfmaq_laneq_f32::<2>(sum.0, self.0, numbers.0),
                _ => vfmaq_laneq_f32::<3>(sum.0, self.0, numbers.0),
            }
        })
    }
    #[inline(always)]
    fn add_outer_product<const R: usize, const V: usize>(
        column: &[f32; R],
        row: &[NeonVector; V],
        sums: &mut [[NeonVector; V]; R],
    ) {
        let whole = R / W * W;
        for first in (0..whole).step_by(W) {
            Self::add_products(Self::load_some(&column[first..]), (first, W), row, sums);
        }
        if whole < R {
            Self::add_products(Self::load_some(&column[whole..]), (whole, R - whole), row, sums);
        }
    }
}

/// The transpose of a 4 × 4 matrix: neighbouring rows exchange single numbers, then pairs.
#[target_feature(enable = "neon")]
#[inline]
fn transpose([a, b, c, d]: [float32x4_t; W]) -> [float32x4_t; W] {
    let pairs = |x: float32x4_t| vreinterpretq_f64_f32(x);
    let (even_ab, odd_ab) = (pairs(vtrn1q_f32(a, b)), pairs(vtrn2q_f32(a, b)));
    let (even_cd, odd_cd) = (pairs(vtrn1q_f32(c, d)), pairs(vtrn2q_f32(c, d)));
    [
        vreinterpretq_f32_f64(vtrn1q_f64(even_ab, even_cd)),
        vreinterpretq_f32_f64(vtrn1q_f64(odd_ab, odd_cd)),
        vreinterpretq_f32_f64(vtrn2q_f64(even_ab, even_cd)),
        vreinterpretq_f32_f64(vtrn2q_f64(odd_ab, odd_cd)),
    ]
}
