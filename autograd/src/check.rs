//! Checks of gradients against central differences, for tests.

use crate::{Result, Tape, Var};
use tweedie_tensor::{Shape, Tensor};

/// The largest relative error of any operand's gradient of ⟨f(x), u⟩, u being fixed pseudo-random numbers:
/// ‖analytic − numeric‖ / ‖numeric‖ for each operand, the numeric one from central differences of step 10⁻⁵.
///
/// # Errors
/// What `f` refuses.
pub fn gradient_error<const N: usize>(
    operands: &[Tensor<f64>; N],
    f: impl Fn([Var<f64>; N]) -> Result<Var<f64>>,
) -> Result<f64> {
    const STEP: f64 = 1e-5;
    let tape = Tape::new();
    let leaves = operands.each_ref().map(|x| tape.leaf(x.clone()));
    let y = f(leaves.clone())?;
    let u = values(y.dims(), 0x5EED);
    let gradients = y.vjp(u.clone())?;
    let project = |operands: &[Tensor<f64>; N]| -> Result<f64> {
        let y = f(operands.each_ref().map(|x| Var::constant(x.clone())))?;
        Ok(y.value().as_slice().iter().zip(u.as_slice()).map(|(y, u)| y * u).sum())
    };
    let mut worst = 0.0f64;
    for (i, leaf) in leaves.iter().enumerate() {
        let zeros = Tensor::zeros(*operands[i].shape());
        let analytic = gradients.wrt(leaf).unwrap_or(&zeros).as_slice().to_vec();
        let (mut error, mut norm) = (0.0, 0.0);
        for (place, analytic) in analytic.into_iter().enumerate() {
            let at = |x: f64| {
                let mut moved = operands.clone();
                moved[i].as_mut_slice()[place] = x;
                project(&moved)
            };
            let x = operands[i].as_slice()[place];
            let numeric = (at(x + STEP)? - at(x - STEP)?) / (2.0 * STEP);
            error += (analytic - numeric).powi(2);
            norm += numeric.powi(2);
        }
        // Below this the differences themselves hold nothing but rounding.
        worst = worst.max(error.sqrt() / norm.sqrt().max(1e-4));
    }
    Ok(worst)
}

/// Fails the test unless [`gradient_error`] is at most 10⁻⁶.
///
/// # Panics
/// When it is larger, or `f` refuses its operands.
pub fn assert_gradients<const N: usize>(
    operands: &[Tensor<f64>; N],
    f: impl Fn([Var<f64>; N]) -> Result<Var<f64>>,
) {
    let error = gradient_error(operands, f).expect("the operation takes these operands");
    let shapes = operands.each_ref().map(|x| *x.shape());
    assert!(error <= 1e-6, "relative error {error:.2e} for operands of shapes {shapes:?}");
}

/// Numbers in (−1.5, 1.5) from a small congruential generator: enough for a check, and the same everywhere.
///
/// # Panics
/// When `dims` is not a shape.
pub fn values(dims: &[usize], seed: u64) -> Tensor<f64> {
    let mut state = seed ^ 0x9E37_79B9_7F4A_7C15;
    Tensor::from_fn(Shape::new(dims).expect("a shape"), |_| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((state >> 11) as f64 / (1u64 << 53) as f64 - 0.5) * 3.0
    })
}
