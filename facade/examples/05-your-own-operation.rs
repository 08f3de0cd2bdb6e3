//! An operation that tweedie does not have: softplus, ln(1 + e^x). Its forward pass, its vector-Jacobian product, the check
//! of one against the other, and a use of it.

use std::error::Error;
use tweedie::autograd::{Op, Sink};
use tweedie::prelude::*;

type Result<T, E = tweedie::autograd::Error> = std::result::Result<T, E>;

/// y = ln(1 + e^x), number by number: a smooth max(x, 0), always positive.
struct Softplus;

impl<T: Element> Op<T, 1> for Softplus {
    const NAME: &'static str = "softplus";
    /// Exactly what the backward pass reads: x, or nothing where no gradient is wanted.
    type Saved = Option<Tensor<T>>;

    fn forward(&self, [x]: [Tensor<T>; 1], [needs]: [bool; 1]) -> Result<(Tensor<T>, Self::Saved)> {
        // max(x, 0) + ln(1 + e^−|x|): no exponential of a large number.
        let y = x.relu() + ((-x.abs()).exp() + 1.0).ln();
        Ok((y, needs.then_some(x)))
    }

    // dy/dx = σ(x), so that the product with the gradient of the result is σ(x) · dy.
    fn backward(self, saved: Self::Saved, dy: Tensor<T>, dx: &mut Sink<'_, T>) -> Result<()> {
        match saved {
            Some(x) => dx.add(0, x.sigmoid() * dy),
            None => Ok(()),
        }
    }
}

/// Written as the other methods of a variable are.
trait SoftplusMethod: Sized {
    fn softplus(self) -> Result<Self>;
}

impl<T: Element> SoftplusMethod for Var<T> {
    fn softplus(self) -> Result<Var<T>> {
        Softplus.apply([self])
    }
}

fn main() -> std::result::Result<(), Box<dyn Error>> {
    let x = Tensor::from([-30.0f64, -1.0, 0.0, 1.0, 30.0]);
    let y = Var::constant(x.clone()).softplus()?;
    println!("x           {x}\nsoftplus(x) {:.6}\n", y.value());

    // Against central differences, before it is trusted.
    let tape = Tape::new();
    let leaf = tape.leaf(x.clone());
    let gradients = leaf.clone().softplus()?.sum()?.backward()?;
    let gradient = gradients.wrt(&leaf).ok_or("the sum depends on x")?;
    let at = |x: Tensor<f64>| Var::constant(x).softplus().map(Var::into_value);
    let numeric = (at(&x + 1e-5)? - at(&x - 1e-5)?) / 2e-5;
    println!("by the tape    {gradient:.6}\nby differences {numeric:.6}\n");
    assert!((gradient - &numeric).abs().sum() < 1e-9);

    // A spread that stays positive wherever descent takes its parameter: the likeliest normal around three numbers.
    // −ln p = ln σ + (d/σ)²/2 for each, up to a constant.
    let data = Tensor::from([1.0f64, 2.0, 6.0]);
    let (mut mean, mut raw) = (Tensor::scalar(0.0f64), Tensor::scalar(0.0f64));
    for _ in 0..2000 {
        let tape = Tape::new();
        let (on_mean, on_raw) = (tape.leaf(mean.clone()), tape.leaf(raw.clone()));
        let sigma = on_raw.clone().softplus()?;
        let ratio = (Var::constant(data.clone()) - &on_mean) / &sigma;
        let loss = (&ratio * &ratio * 0.5 + sigma.ln()?).mean()?;
        let gradients = loss.backward()?;
        for (value, leaf) in [(&mut mean, &on_mean), (&mut raw, &on_raw)] {
            *value -= &(gradients.wrt(leaf).ok_or("the loss depends on both")? * 0.1);
        }
    }
    let sigma = at(raw)?.item()?;
    println!("likeliest: mean {:.4}, spread {sigma:.4}", mean.item()?);
    // In closed form: the mean, and the root of the mean square deviation.
    assert!((mean.item()? - 3.0).abs() < 1e-3 && (sigma - (14.0f64 / 3.0).sqrt()).abs() < 1e-3);
    Ok(())
}
