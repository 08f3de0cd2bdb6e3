//! Vectors of f32: one piece of code packs, multiplies and transforms on every instruction set.

mod arithmetic;
#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod dispatch;
#[cfg(target_arch = "aarch64")]
mod neon;
pub(super) mod once;
#[cfg(target_arch = "x86_64")]
pub(super) mod pairs;
mod portable;
#[cfg(all(target_family = "wasm", target_feature = "simd128"))]
mod simd128;
#[cfg(test)]
mod tests;

pub(super) use arithmetic::{MAX_LANES, MAX_PARTS, Vector, behind};
#[cfg(target_arch = "x86_64")]
pub(super) use avx2::Avx2Vector;
#[cfg(target_arch = "x86_64")]
pub(super) use avx512::Avx512Vector;
pub(super) use dispatch::on_isa;
#[cfg(target_arch = "aarch64")]
pub(super) use neon::NeonVector;
#[cfg(target_arch = "x86_64")]
pub(super) use pairs::Avx512Pairs;
pub(super) use portable::PortableVector;
#[cfg(all(target_family = "wasm", target_feature = "simd128"))]
pub(super) use simd128::Simd128Vector;
