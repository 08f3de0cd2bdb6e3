//! What a tape is made of, below tapes and variables: names of its places, the gradients gathered for them, and the backward
//! pass of one recorded operation.

use crate::recorded::RecordedOperation;
use crate::{Error, Result};
use tweedie_tensor::{Element, Shape, Tensor, ops};

/// Which parameter of a model a gradient belongs to: its index in the model's list of parameters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ParamId(pub usize);

/// A place on a tape.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct NodeId(pub(crate) usize);

/// The backward pass of one recorded operation, whatever its type.
pub(crate) trait Backward<T: Element> {
    /// Consumes what was saved; adds the gradients of the operands to `pending`.
    fn run(self: Box<Self>, dy: Tensor<T>, pending: &mut Pending<T>) -> Result<()>;

    /// What it is, to be shown.
    fn describe(&self) -> RecordedOperation;
}

/// The gradients gathered so far for nodes that the backward pass has not reached.
pub(crate) struct Pending<T: Element> {
    shapes: Vec<Shape>,
    gradients: Vec<Option<Tensor<T>>>,
}

impl<T: Element> Pending<T> {
    /// No gradients, for nodes whose values have these shapes.
    pub(crate) fn new(shapes: Vec<Shape>) -> Pending<T> {
        let gradients = shapes.iter().map(|_| None).collect();
        Pending { shapes, gradients }
    }

    pub(crate) fn shape(&self, NodeId(node): NodeId) -> Shape {
        self.shapes[node]
    }

    /// The gradient gathered for a node, to be written.
    pub(crate) fn gradient_mut(&mut self, NodeId(node): NodeId) -> &mut Option<Tensor<T>> {
        &mut self.gradients[node]
    }

    /// Adds `gradient` to a node's: moved if it is the first, added in place if not. `op` and `operand` name the culprit
    /// should its shape be wrong.
    pub(crate) fn add(
        &mut self,
        op: &'static str,
        operand: usize,
        node: NodeId,
        gradient: Tensor<T>,
    ) -> Result<()> {
        let expected = self.shape(node);
        if *gradient.shape() != expected {
            return Err(Error::GradientShape { op, operand, expected, got: *gradient.shape() });
        }
        match self.gradient_mut(node) {
            Some(sum) => ops::add_assign(sum, &gradient)?,
            empty => *empty = Some(gradient),
        }
        Ok(())
    }
}
