//! Reverse-mode automatic differentiation on a tape.
//!
//! A [`Var`] is a tensor that may be recorded on a [`Tape`]. Operations on `Var`s compute at once, and, if an operand is on a
//! tape, push a node that holds exactly what the gradient will read. [`Var::backward`] pops the nodes in reverse order; each
//! passes gradients to its operands and frees what it saved.
//!
//! A `Var` without a tape is a constant: inference is the same code with no tape, and saves nothing.
//!
//! ```
//! use tweedie_autograd::{Tape, Var};
//! use tweedie_tensor::Tensor;
//!
//! let tape = Tape::new();
//! let x = tape.leaf(Tensor::from_slice([3], &[1.0f64, 2.0, 3.0])?);
//! let y = x.clone().mul(x.clone())?.sum()?; // y = Σ x²
//! let gradients = y.backward()?;
//! assert_eq!(gradients.wrt(&x).unwrap().as_slice(), [2.0, 4.0, 6.0]); // dy/dx = 2x
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! To add an operation, write one type with an [`Op`] implementation: its forward and its vector-Jacobian
//! product stand side by side in a file of [`ops`], with its gradient check below.
#![forbid(unsafe_code)]

mod arithmetic;
#[cfg(any(test, feature = "test-util"))]
pub mod check;
mod checkpoint;
mod error;
mod gradients;
mod graph;
mod leaf;
mod node;
mod op;
pub mod ops;
mod profile;
mod recorded;
mod sink;
mod tape;
mod var;

pub use checkpoint::checkpoint;
pub use error::{Error, Result};
pub use gradients::Gradients;
pub use graph::{GraphNode, NodeOrigin};
pub use node::ParamId;
pub use op::Op;
pub use profile::{Pass, Timed, profile};
pub use recorded::{RecordedOperation, SavedTensor, SavedTensors};
pub use sink::Sink;
pub use tape::Tape;
pub use var::Var;

/// The code of this page of the book is compiled and run as a test.
#[cfg(doctest)]
#[doc = include_str!("../../docs/how-to/add-an-operation.md")]
mod book {}
