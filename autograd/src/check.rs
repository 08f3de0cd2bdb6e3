//! Checks of gradients against central differences. Only in tests, and with the feature `test-util`.

use crate::{Error, Result, Tape, Var};
use tweedie_tensor::check::{central_differences, inner_product};
use tweedie_tensor::{Shape, Tensor, ops};

/// The largest relative error of any operand's gradient of ⟨f(x), u⟩, u being fixed pseudo-random numbers:
/// ‖analytic − numeric‖ / ‖numeric‖ for each operand, the numeric one from
/// [`central_differences`].
///
/// # Errors
/// What `f` refuses.
pub fn gradient_error<const N: usize>(
    operands: &[Tensor<f64>; N],
    f: impl Fn([Var<f64>; N]) -> Result<Var<f64>>,
) -> Result<f64> {
    let tape = Tape::new();
    let leaves = operands.each_ref().map(|x| tape.leaf(x.clone()));
    let y = f(leaves.clone())?;
    let u = values(y.dims(), 0x5EED);
    let gradients = y.vjp(u.clone())?;
    let mut worst = 0.0f64;
    for (i, (leaf, operand)) in leaves.iter().zip(operands).enumerate() {
        let project = |moved: &Tensor<f64>| {
            let at = |j: usize| Var::constant(if i == j { moved } else { &operands[j] }.clone());
            Ok::<_, Error>(inner_product(f(std::array::from_fn(at))?.value(), &u))
        };
        let numeric = central_differences(operand, 0..operand.numel(), project)?;
        let zeros = Tensor::zeros(*operand.shape());
        let analytic = gradients.wrt(leaf).unwrap_or(&zeros).as_slice();
        let error: f64 = analytic.iter().zip(&numeric).map(|(a, n)| (a - n).powi(2)).sum();
        let norm: f64 = numeric.iter().map(|n| n.powi(2)).sum();
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

/// Fixed numbers in (−1.5, 1.5), a different series for each seed: three quarters of [`tweedie_tensor::check::values`], so that
/// exponentials of their products do not saturate.
///
/// # Panics
/// When `dims` is not a shape.
pub fn values(dims: &[usize], seed: u64) -> Tensor<f64> {
    let values = tweedie_tensor::check::values(Shape::new(dims).expect("a shape"), seed);
    ops::scale(values, 0.75)
}
