//! Sixteen channels in one value, on every instruction set.

use std::array;

/// Channels side by side.
pub(super) const LANES: usize = 16;

/// Sixteen f32 with the arithmetic of the transforms. Each operation rounds once per lane, so the bits do not
/// depend on the type that implements it.
pub(super) trait Lanes: Copy {
    fn zero() -> Self;
    fn load(from: &[f32; LANES]) -> Self;
    fn store(self, to: &mut [f32; LANES]);
    /// The first sixteen of `from`, zeros where it is shorter.
    fn load_some(from: &[f32]) -> Self;
    /// As many as `to` has, sixteen at most.
    fn store_some(self, to: &mut [f32]);
    fn scale(self, c: f32) -> Self;
    fn add(self, other: Self) -> Self;
    fn sub(self, other: Self) -> Self;
    /// `self · c + sum`.
    fn mul_add(self, c: f32, sum: Self) -> Self;
    /// Rows become columns.
    fn transpose(rows: [Self; LANES]) -> [Self; LANES];
}

/// Left to the compiler.
#[derive(Clone, Copy)]
pub(super) struct Plain([f32; LANES]);

impl Lanes for Plain {
    #[inline(always)]
    fn zero() -> Plain {
        Plain([0.0; LANES])
    }
    #[inline(always)]
    fn load(from: &[f32; LANES]) -> Plain {
        Plain(*from)
    }
    #[inline(always)]
    fn store(self, to: &mut [f32; LANES]) {
        *to = self.0;
    }
    #[inline(always)]
    fn load_some(from: &[f32]) -> Plain {
        let (mut lanes, used) = ([0.0; LANES], from.len().min(LANES));
        lanes[..used].copy_from_slice(&from[..used]);
        Plain(lanes)
    }
    #[inline(always)]
    fn store_some(self, to: &mut [f32]) {
        let used = to.len().min(LANES);
        to[..used].copy_from_slice(&self.0[..used]);
    }
    #[inline(always)]
    fn scale(self, c: f32) -> Plain {
        Plain(self.0.map(|x| x * c))
    }
    #[inline(always)]
    fn add(self, other: Plain) -> Plain {
        Plain(array::from_fn(|i| self.0[i] + other.0[i]))
    }
    #[inline(always)]
    fn sub(self, other: Plain) -> Plain {
        Plain(array::from_fn(|i| self.0[i] - other.0[i]))
    }
    #[inline(always)]
    fn mul_add(self, c: f32, sum: Plain) -> Plain {
        Plain(array::from_fn(|i| self.0[i].mul_add(c, sum.0[i])))
    }
    #[inline(always)]
    fn transpose(rows: [Plain; LANES]) -> [Plain; LANES] {
        array::from_fn(|i| Plain(array::from_fn(|j| rows[j].0[i])))
    }
}

#[cfg(target_arch = "x86_64")]
pub(super) use avx512::Wide;

#[cfg(target_arch = "x86_64")]
mod avx512 {
    use super::{LANES, Lanes};
    use std::arch::x86_64::*;

    /// One AVX-512 register. Only code that [`crate::simd::Isa::Avx512`] was detected for may use it.
    #[derive(Clone, Copy)]
    #[repr(transparent)]
    pub(in super::super) struct Wide(__m512);

    /// A bit for each of the first `len` lanes.
    #[inline(always)]
    fn first(len: usize) -> __mmask16 {
        if len < LANES { (1 << len) - 1 } else { !0 }
    }

    impl Lanes for Wide {
        #[inline(always)]
        fn zero() -> Wide {
            // SAFETY: the processor has AVX-512, as this type's users have made sure; so below.
            Wide(unsafe { _mm512_setzero_ps() })
        }
        #[inline(always)]
        fn load(from: &[f32; LANES]) -> Wide {
            // SAFETY: sixteen numbers.
            Wide(unsafe { _mm512_loadu_ps(from.as_ptr()) })
        }
        #[inline(always)]
        fn store(self, to: &mut [f32; LANES]) {
            // SAFETY: sixteen numbers.
            unsafe { _mm512_storeu_ps(to.as_mut_ptr(), self.0) }
        }
        #[inline(always)]
        fn load_some(from: &[f32]) -> Wide {
            // SAFETY: masked lanes are not touched, the others are inside the slice.
            Wide(unsafe { _mm512_maskz_loadu_ps(first(from.len()), from.as_ptr()) })
        }
        #[inline(always)]
        fn store_some(self, to: &mut [f32]) {
            // SAFETY: as in `load_some`.
            unsafe { _mm512_mask_storeu_ps(to.as_mut_ptr(), first(to.len()), self.0) }
        }
        #[inline(always)]
        fn scale(self, c: f32) -> Wide {
            // SAFETY: as in `zero`.
            Wide(unsafe { _mm512_mul_ps(self.0, _mm512_set1_ps(c)) })
        }
        #[inline(always)]
        fn add(self, other: Wide) -> Wide {
            // SAFETY: as in `zero`.
            Wide(unsafe { _mm512_add_ps(self.0, other.0) })
        }
        #[inline(always)]
        fn sub(self, other: Wide) -> Wide {
            // SAFETY: as in `zero`.
            Wide(unsafe { _mm512_sub_ps(self.0, other.0) })
        }
        #[inline(always)]
        fn mul_add(self, c: f32, sum: Wide) -> Wide {
            // SAFETY: as in `zero`.
            Wide(unsafe { _mm512_fmadd_ps(self.0, _mm512_set1_ps(c), sum.0) })
        }
        #[inline(always)]
        fn transpose(rows: [Wide; LANES]) -> [Wide; LANES] {
            // Loops, because closures passed to `array::map` are not always inlined into vector code.
            let mut registers = [Self::zero().0; LANES];
            for i in 0..LANES {
                registers[i] = rows[i].0;
            }
            // SAFETY: as in `zero`.
            let columns = unsafe { crate::simd::gemm::transpose_avx512(registers) };
            let mut out = rows;
            for i in 0..LANES {
                out[i] = Wide(columns[i]);
            }
            out
        }
    }
}
