//! The processor's peak rate of multiply-adds, which kernels are measured against.

use super::Isa;
use std::hint::black_box;

/// Independent accumulators: enough to hide the latency of a multiply-add, few enough for the registers.
const SUMS: usize = 24;
const ROUNDS: usize = 1 << 16;

/// Does nothing but independent multiply-adds of registers, on this thread, for about a millisecond. Returns the number of
/// multiplications and additions.
pub fn multiply_adds() -> u64 {
    match Isa::active() {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: `Isa::active` returns an available instruction set, so the processor has AVX-512.
        Isa::Avx512 => unsafe { registers::avx512() },
        #[cfg(target_arch = "x86_64")]
        // SAFETY: `Isa::active` returns an available instruction set, so the processor has AVX2 and FMA.
        Isa::Avx2 => unsafe { registers::avx2() },
        #[cfg(target_arch = "aarch64")]
        // SAFETY: every 64-bit Arm has NEON.
        Isa::Neon => unsafe { registers::neon() },
        _ => portable(),
    }
}

fn portable() -> u64 {
    let (x, y) = (black_box(0.999_f32), black_box(1e-3_f32));
    let mut sums = [1.0f32; SUMS];
    for _ in 0..ROUNDS {
        for sum in &mut sums {
            *sum = sum.mul_add(x, y);
        }
    }
    black_box(sums);
    (2 * ROUNDS * SUMS) as u64
}

#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
mod registers {
    use super::{ROUNDS, SUMS};
    #[cfg(target_arch = "aarch64")]
    use std::arch::aarch64::*;
    #[cfg(target_arch = "x86_64")]
    use std::arch::x86_64::*;
    use std::hint::black_box;

    macro_rules! registers {
        ($name:ident, $features:literal, $lanes:literal, $sums:expr, $set:ident, $fma:ident) => {
            /// # Safety
            /// The processor has the instructions of these features.
            #[target_feature(enable = $features)]
            pub(super) unsafe fn $name() -> u64 {
                let (x, y) = ($set(black_box(0.999)), $set(black_box(1e-3)));
                let mut sums = [$set(1.0); $sums];
                for _ in 0..ROUNDS {
                    for sum in &mut sums {
                        *sum = $fma(*sum, x, y);
                    }
                }
                black_box(sums);
                (2 * ROUNDS * $sums * $lanes) as u64
            }
        };
    }

    #[cfg(target_arch = "x86_64")]
    registers!(avx512, "avx512f", 16, SUMS, _mm512_set1_ps, _mm512_fmadd_ps);
    #[cfg(target_arch = "x86_64")]
    registers!(avx2, "avx,fma", 8, SUMS / 2, _mm256_set1_ps, _mm256_fmadd_ps);
    #[cfg(target_arch = "aarch64")]
    registers!(neon, "neon", 4, SUMS, vdupq_n_f32, vfmaq_f32);
}
