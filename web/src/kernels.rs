//! What the kernels are made of here, and whether they compute what they do everywhere.

use crate::refusal::{Result, refused, told};
use serde::Serialize;
use tweedie_tensor::ops::bits::held;
use tweedie_tensor::{Isa, simd};
use wasm_bindgen::prelude::wasm_bindgen;

#[derive(Debug, Serialize)]
struct Kernels {
    /// The instruction set, as `TWEEDIE_SIMD` names it.
    isa: String,
    /// What the vectors' multiply-adds are: `relaxed`, or `emulated`.
    multiply_add: &'static str,
    /// Whether this module's multiply-adds round once, tried here and now.
    fused: bool,
}

/// What the kernels of this module are made of, as JSON.
///
/// # Errors
/// None.
#[wasm_bindgen]
pub fn kernels() -> Result<String> {
    let isa = format!("{:?}", Isa::active()).to_lowercase();
    let multiply_add = if cfg!(target_feature = "relaxed-simd") { "relaxed" } else { "emulated" };
    told(&Kernels { isa, multiply_add, fused: simd::multiply_adds_are_fused() })
}

/// The operations whose bits are pinned, and whether each has them here: pairs, as JSON.
///
/// # Errors
/// None.
#[wasm_bindgen]
pub fn bits() -> Result<String> {
    told(&held().map_err(refused)?)
}
