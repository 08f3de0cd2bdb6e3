use crate::Result;
use crate::node::{NodeId, Pending};
use tweedie_tensor::{Accumulate, Element, Shape, Tensor};

/// Where the gradients of an operation's operands go.
pub struct Sink<'a, T: Element> {
    op: &'static str,
    operands: &'a [Option<NodeId>],
    pending: &'a mut Pending<T>,
}

impl<'a, T: Element> Sink<'a, T> {
    /// For the operation `op`, whose operands stand at these nodes; `None` for a constant.
    pub(crate) fn new(
        op: &'static str,
        operands: &'a [Option<NodeId>],
        pending: &'a mut Pending<T>,
    ) -> Sink<'a, T> {
        Sink { op, operands, pending }
    }
}

impl<T: Element> Sink<'_, T> {
    /// Whether operand `i` wants a gradient; without it, computing one is wasted.
    pub fn wants(&self, i: usize) -> bool {
        self.operands[i].is_some()
    }

    /// Adds `gradient` to operand `i`'s: moved if it is the first, added in place if not, dropped if unwanted.
    ///
    /// # Errors
    /// [`Error::GradientShape`](crate::Error::GradientShape) when its shape is not the operand's.
    pub fn add(&mut self, i: usize, gradient: Tensor<T>) -> Result<()> {
        match self.operands[i] {
            Some(node) => self.pending.add(self.op, i, node, gradient),
            None => Ok(()),
        }
    }

    /// What has been gathered for operand `i`, for a kernel that adds to it and gives the sum back by
    /// [`Sink::add`].
    pub fn take(&mut self, i: usize) -> Option<Tensor<T>> {
        self.operands[i].and_then(|node| self.pending.gradient_mut(node).take())
    }

    /// Lets a kernel write operand `i`'s gradient where it belongs: [`Accumulate::Overwrite`] into fresh
    /// memory if it is the first, [`Accumulate::Add`] onto what is there if not. Not called if unwanted.
    ///
    /// # Errors
    /// What the kernel refuses.
    pub fn write(
        &mut self,
        i: usize,
        kernel: impl FnOnce(&mut Tensor<T>, Accumulate) -> Result<(), tweedie_tensor::Error>,
    ) -> Result<()> {
        let Some(node) = self.operands[i] else { return Ok(()) };
        let shape = self.pending.shape(node);
        match self.pending.gradient_mut(node) {
            Some(sum) => kernel(sum, Accumulate::Add)?,
            empty => {
                let mut first = Tensor::scratch(shape);
                kernel(&mut first, Accumulate::Overwrite)?;
                *empty = Some(first);
            }
        }
        Ok(())
    }

    /// The shape of operand `i`, if it wants a gradient.
    pub fn shape(&self, i: usize) -> Option<Shape> {
        self.operands[i].map(|node| self.pending.shape(node))
    }
}
