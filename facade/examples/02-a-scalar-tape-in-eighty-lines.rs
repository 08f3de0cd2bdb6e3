//! Reverse-mode differentiation from nothing: a tape of single numbers, whole. tweedie's own tape is the same idea on
//! tensors; at the end both differentiate the same function.

use std::cell::RefCell;
use std::error::Error;
use std::ops::{Add, Mul, Sub};

/// What an operation leaves behind: where its operands stand, and the derivative of its result by each.
struct Node {
    operands: [(usize, f64); 2],
}

/// The operations in the order in which they ran.
#[derive(Default)]
struct Tape {
    nodes: RefCell<Vec<Node>>,
}

/// A number that knows its place on a tape.
#[derive(Clone, Copy)]
struct Scalar<'t> {
    tape: &'t Tape,
    at: usize,
    value: f64,
}

impl Tape {
    /// A number to differentiate by. Nothing led to it: its derivatives are 0, wherever they point.
    fn leaf(&self, value: f64) -> Scalar<'_> {
        self.push(value, [(0, 0.0), (0, 0.0)])
    }

    fn push(&self, value: f64, operands: [(usize, f64); 2]) -> Scalar<'_> {
        let mut nodes = self.nodes.borrow_mut();
        nodes.push(Node { operands });
        Scalar { tape: self, at: nodes.len() - 1, value }
    }
}

impl<'t> Scalar<'t> {
    /// d tanh(x) = (1 − tanh² x) dx
    fn tanh(self) -> Scalar<'t> {
        let y = self.value.tanh();
        self.tape.push(y, [(self.at, 1.0 - y * y), (self.at, 0.0)])
    }

    /// The derivatives of this number by every number on the tape.
    ///
    /// From the end to the beginning, each node hands its own derivative on to its operands, times the derivative of its
    /// result by them: the chain rule. All who read a number ran after it, so its derivative is complete when its turn comes.
    fn gradients(self) -> Vec<f64> {
        let nodes = self.tape.nodes.borrow();
        let mut gradients = vec![0.0; nodes.len()];
        gradients[self.at] = 1.0;
        for at in (0..=self.at).rev() {
            for (operand, derivative) in nodes[at].operands {
                gradients[operand] += gradients[at] * derivative;
            }
        }
        gradients
    }
}

impl<'t> Add for Scalar<'t> {
    type Output = Scalar<'t>;
    fn add(self, other: Scalar<'t>) -> Scalar<'t> {
        self.tape.push(self.value + other.value, [(self.at, 1.0), (other.at, 1.0)])
    }
}

impl<'t> Sub for Scalar<'t> {
    type Output = Scalar<'t>;
    fn sub(self, other: Scalar<'t>) -> Scalar<'t> {
        self.tape.push(self.value - other.value, [(self.at, 1.0), (other.at, -1.0)])
    }
}

impl<'t> Mul for Scalar<'t> {
    type Output = Scalar<'t>;
    fn mul(self, other: Scalar<'t>) -> Scalar<'t> {
        self.tape.push(self.value * other.value, [(self.at, other.value), (other.at, self.value)])
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    // f(x, w) = (tanh(w x) − x)²
    let tape = Tape::default();
    let (x, w) = (tape.leaf(0.7), tape.leaf(-1.3));
    let error = (w * x).tanh() - x;
    let f = error * error;
    let gradients = f.gradients();
    println!(
        "this tape:     f = {:.6}, df/dx = {:.6}, df/dw = {:.6}",
        f.value, gradients[x.at], gradients[w.at]
    );

    // The same words on tensors. There a node holds what its backward pass reads, and is freed when it has run.
    let tape = tweedie::autograd::Tape::new();
    let x_too = tape.leaf(tweedie::tensor::Tensor::from([0.7f64]));
    let w_too = tape.leaf(tweedie::tensor::Tensor::from([-1.3f64]));
    let error = (&w_too * &x_too).tanh()? - &x_too;
    let f_too = (&error * &error).sum()?;
    let value = f_too.value().item()?;
    let by_tensors = f_too.backward()?;
    let derivative = |by| by_tensors.wrt(by).map_or(f64::NAN, |gradient| gradient[[0]]);
    let (by_x, by_w) = (derivative(&x_too), derivative(&w_too));
    println!("tweedie's tape: f = {value:.6}, df/dx = {by_x:.6}, df/dw = {by_w:.6}");

    assert!((f.value - value).abs() < 1e-12);
    assert!((gradients[x.at] - by_x).abs() < 1e-12 && (gradients[w.at] - by_w).abs() < 1e-12);
    Ok(())
}
