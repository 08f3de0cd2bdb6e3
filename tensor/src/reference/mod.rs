//! Kernels as the textbooks have them: they carry f64, the type of proofs, and the f32 kernels are tested against them.

pub(crate) mod conv;
pub(crate) mod group_norm;
