use super::Answer;
use tweedie_autograd::{Tape, Var};
use tweedie_tensor::Tensor;

pub(crate) const ANSWERS: &[Answer] = &[("autograd.silu", silu), ("autograd.softmax", softmax)];

/// The first gradient of a loss at `x`.
fn gradient(x: &[f64], loss: impl FnOnce(Var<f64>) -> Var<f64>) -> f64 {
    let tape = Tape::new();
    let leaf = tape.leaf(Tensor::from_slice([x.len()], x).unwrap());
    let gradients = loss(leaf.clone()).backward().unwrap();
    gradients.wrt(&leaf).unwrap().as_slice()[0]
}

fn silu() -> f64 {
    gradient(&[1.0], |x| x.silu().unwrap().sum().unwrap())
}

/// Of softmax's first probability by its first score, at scores 0 and ln 3.
fn softmax() -> f64 {
    let first = Var::constant(Tensor::from_slice([2], &[1.0, 0.0]).unwrap());
    gradient(&[0.0, 3f64.ln()], |x| (x.softmax().unwrap() * first).sum().unwrap())
}
