//! From an instruction set to the type of its vectors.

/// Calls a function that is generic over a [`Vector`](super::Vector), compiled for an instruction set. The caller has made sure
/// that the processor has it.
macro_rules! on_isa {
    ($isa:expr, $name:ident($($argument:expr),* $(,)?)) => {
        match $isa {
            #[cfg(target_arch = "x86_64")]
            // SAFETY: `isa` is available: it comes from `Isa::active()`, or was checked where it entered.
            Isa::Avx512 => unsafe {
                crate::simd::isa::with_avx512(
                    #[inline(always)]
                    || $name::<crate::simd::vector::Avx512Vector, 16>($($argument),*),
                )
            },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: `isa` is available: it comes from `Isa::active()`, or was checked where it entered.
            Isa::Avx2 => unsafe {
                crate::simd::isa::with_avx2(
                    #[inline(always)]
                    || $name::<crate::simd::vector::Avx2Vector, 8>($($argument),*),
                )
            },
            #[cfg(target_arch = "aarch64")]
            Isa::Neon => $name::<crate::simd::vector::NeonVector, 4>($($argument),*),
            #[cfg(all(target_family = "wasm", target_feature = "simd128"))]
            Isa::Simd128 => $name::<crate::simd::vector::Simd128Vector, 4>($($argument),*),
            _ => $name::<crate::simd::vector::PortableVector, 16>($($argument),*),
        }
    };
}
pub(in crate::simd) use on_isa;
