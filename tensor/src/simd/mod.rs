//! Everything that depends on the instruction set: runtime dispatch, the vector bodies of the numeric
//! kernels, and all of this crate's `unsafe` but the buffers'.
//!
//! There are four paths: AVX-512, AVX2 with FMA, NEON (64-bit Arm), and portable Rust. The best one that the processor has is used;
//! `TWEEDIE_SIMD=avx512|avx2|neon|portable` caps the choice, so that one machine can test all that it has. Products of bf16 use
//! AVX-512's dot products where these are faster than multiply-adds; `TWEEDIE_BF16=dot|madd` decides otherwise.
//!
//! From below: instruction sets (`isa`) and vectors (`vector`); what is computed from single vectors (`exp`, `erf`, `sums`);
//! products of matrices (`gemm`); and on these convolutions (`conv`) and normalisation (`group_norm`).

pub(crate) mod conv;
mod erf;
mod exp;
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
pub use gemm::{
    Accumulate, Bf16Method, MatRef, bf16_gemm, dgemm, par_bf16_gemm, par_bf16_gemm_with_bias, par_dgemm,
    par_dgemm_with_bias, par_sgemm, par_sgemm_with_bias, sgemm,
};
pub use isa::{Isa, vectorized};
pub use peak::multiply_adds;
