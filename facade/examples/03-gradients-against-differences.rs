//! How a gradient is known to be right: against central differences, whose own error has a shape. It falls with the square
//! of the step, as Taylor's third term, until rounding takes over and it rises.

use std::error::Error;
use tweedie::prelude::*;

/// Any expression will do: here the mean of softmax(x w)² · x.
fn f(x: &Var<f64>, w: &Var<f64>) -> Result<Var<f64>, tweedie::autograd::Error> {
    let y = x.clone().matmul(w.clone())?.softmax()?;
    (&y * &y * x).mean()
}

fn main() -> Result<(), Box<dyn Error>> {
    let x = Tensor::from_fn([4, 3], |i| (i as f64 * 1.7).sin());
    let w = Tensor::from_fn([3, 3], |i| (i as f64 * 2.9).cos());

    // By the tape: one pass forward, one backward, for all nine derivatives by w.
    let tape = Tape::new();
    let on_tape = tape.leaf(w.clone());
    let gradients = f(&Var::constant(x.clone()), &on_tape)?.backward()?;
    let exact = gradients.wrt(&on_tape).ok_or("f depends on w")?.clone();
    println!("df/dw by the tape:\n{exact:.6}\n");

    // By differences: two passes for each of the nine.
    let difference = |step: f64| -> Result<Tensor<f64>, Box<dyn Error>> {
        let mut numeric = Tensor::zeros([3, 3]);
        for i in 0..3 {
            for j in 0..3 {
                let at = |moved_by: f64| {
                    let mut moved = w.clone();
                    moved[[i, j]] += moved_by;
                    f(&Var::constant(x.clone()), &Var::constant(moved))
                };
                let (above, below) = (at(step)?.value().item()?, at(-step)?.value().item()?);
                numeric[[i, j]] = (above - below) / (2.0 * step);
            }
        }
        Ok(numeric)
    };
    let norm = |x: &Tensor<f64>| x.square().sum().sqrt();
    println!("  step   relative error of the differences");
    let mut errors = Vec::new();
    for digits in 1..=12 {
        let step = 10f64.powi(-digits);
        let error = norm(&(difference(step)? - &exact)) / norm(&exact);
        println!(
            "10^{:<4} {error:.1e}  {}",
            -digits,
            "#".repeat((error.log10() + 12.0).max(0.0) as usize * 3)
        );
        errors.push(error);
    }

    // A step ten times smaller is a hundred times more exact, as long as rounding stays below.
    assert!((errors[0] / errors[1]).log10() > 1.8 && (errors[1] / errors[2]).log10() > 1.8);
    let best = errors.iter().copied().fold(f64::INFINITY, f64::min);
    println!("\nthe least error is {best:.1e}; a wrong gradient would not come near it");
    assert!(best < 1e-9 && errors[11] > 100.0 * best);
    Ok(())
}
