//! Everything that depends on the instruction set: runtime dispatch, the vector bodies of the numeric
//! kernels, and all of this crate's `unsafe` but the buffers'.
//!
//! There are five paths: AVX-512, AVX2 with FMA, NEON (64-bit Arm), WebAssembly's registers of 128 bits, and portable Rust. The
//! best one that the processor has is used; `TWEEDIE_SIMD=avx512|avx2|neon|simd128|portable` caps the choice, so that one machine can
//! test all that it has. Products of bf16 use AVX-512's dot products where these are faster than multiply-adds;
//! `TWEEDIE_BF16=dot|madd` decides otherwise.
//!
//! From below: instruction sets (`isa`) and vectors (`vector`); what is computed from single vectors (`exp`, `erf`, `sums`);
//! products of matrices (`gemm`); and on these convolutions (`conv`) and normalisation (`group_norm`).

pub(crate) mod conv;
mod erf;
mod exp;
#[cfg(all(target_family = "wasm", target_feature = "simd128"))]
mod fma;
mod fused;
mod gemm;
pub(crate) mod group_norm;
mod isa;
mod peak;
#[cfg(any(test, feature = "peers"))]
pub mod peers;
pub(crate) mod sums;
mod vector;

pub use erf::{erf_f32, tanh_f32};
pub use exp::exp_f32;
pub use fused::multiply_adds_are_fused;
pub use gemm::{
    Accumulate, Bf16Method, MatRef, bf16_gemm, dgemm, par_bf16_gemm, par_bf16_gemm_with_bias, par_dgemm,
    par_dgemm_with_bias, par_sgemm, par_sgemm_with_bias, sgemm,
};
pub use isa::{Isa, vectorized};
pub use peak::multiply_adds;
