//! `fmaf` and `fma` in WebAssembly, which has no such instructions for single numbers: what `mul_add` calls there by these names.
//! The compiler's own are of integer arithmetic, and take many times as long.

#[cfg(not(target_feature = "relaxed-simd"))]
use super::vector::once;
#[cfg(target_feature = "relaxed-simd")]
use std::arch::wasm32::*;

// SAFETY: the compiler calls this name for the fused multiply-add of three f32, which this function takes and returns.
#[unsafe(no_mangle)]
extern "C" fn fmaf(x: f32, factor: f32, sum: f32) -> f32 {
    #[cfg(target_feature = "relaxed-simd")]
    return f32x4_extract_lane::<0>(f32x4_relaxed_madd(
        f32x4_splat(x),
        f32x4_splat(factor),
        f32x4_splat(sum),
    ));
    #[cfg(not(target_feature = "relaxed-simd"))]
    once::multiply_add(x, factor, sum)
}

// SAFETY: the compiler calls this name for the fused multiply-add of three f64, which this function takes and returns.
#[cfg(target_feature = "relaxed-simd")]
#[unsafe(no_mangle)]
extern "C" fn fma(x: f64, factor: f64, sum: f64) -> f64 {
    f64x2_extract_lane::<0>(f64x2_relaxed_madd(f64x2_splat(x), f64x2_splat(factor), f64x2_splat(sum)))
}
