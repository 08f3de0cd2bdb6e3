use crate::tape::NodeId;
use crate::{Error, Result, Tape, Var};
use tweedie_tensor::{Accumulate, Element, Shape, Tensor, ops};

/// A differentiable operation of `N` operands and one result.
///
/// It is a type, so that its parameters have names, and an operation without a backward does not compile.
pub trait Op<T: Element, const N: usize>: 'static + Sized {
    /// What errors call it.
    const NAME: &'static str;

    /// Exactly what the backward pass reads. It is moved there, and freed as soon as it has been read.
    type Saved: 'static;

    /// Computes the result, and what backward will read of this.
    ///
    /// Operands come by value, so that a buffer that nobody else holds can become the result's. `needs[i]`
    /// says whether operand i will want a gradient: what only an unwanted gradient reads need not be saved.
    ///
    /// # Errors
    /// Whatever the kernel refuses.
    fn forward(&self, x: [Tensor<T>; N], needs: [bool; N]) -> Result<(Tensor<T>, Self::Saved)>;

    /// The vector-Jacobian product: from the gradient of the result, the gradients of the operands, put into
    /// the sink. `needs` is what it was in [`Op::forward`], as [`Sink::wants`].
    ///
    /// # Errors
    /// Whatever the kernel refuses.
    fn backward(self, saved: Self::Saved, dy: Tensor<T>, dx: &mut Sink<'_, T>) -> Result<()>;

    /// Runs the operation on variables, and records it if one of them is on a tape.
    ///
    /// # Errors
    /// What [`Op::forward`] refuses, operands of two tapes, or a tape that has been run backward.
    fn apply(self, operands: [Var<T>; N]) -> Result<Var<T>> {
        let mut tape: Option<Tape<T>> = None;
        for operand in &operands {
            match (&tape, operand.tape()) {
                (Some(known), Some(other)) if !known.same(other) => {
                    return Err(Error::ForeignTape { op: Self::NAME });
                }
                (None, Some(found)) => tape = Some(found.clone()),
                _ => {}
            }
        }
        if tape.as_ref().is_some_and(Tape::is_spent) {
            return Err(Error::Spent { op: Self::NAME });
        }
        let from = std::array::from_fn(|i| operands[i].node());
        let (value, saved) = self.forward(operands.map(Var::into_value), from.map(|node| node.is_some()))?;
        Ok(match tape {
            None => Var::constant(value),
            Some(tape) => {
                let step = Step { op: self, saved, from };
                let at = tape.operation(*value.shape(), Box::new(step));
                Var::recorded(value, tape, at)
            }
        })
    }
}

/// Where the gradients of an operation's operands go.
pub struct Sink<'a, T: Element> {
    op: &'static str,
    from: &'a [Option<NodeId>],
    slots: &'a mut Slots<T>,
}

impl<T: Element> Sink<'_, T> {
    /// Whether operand `i` wants a gradient; without it, computing one is wasted.
    pub fn wants(&self, i: usize) -> bool {
        self.from[i].is_some()
    }

    /// Adds `gradient` to operand `i`'s: moved if it is the first, added in place if not, dropped if unwanted.
    ///
    /// # Errors
    /// [`Error::GradientShape`] when its shape is not the operand's.
    pub fn add(&mut self, i: usize, gradient: Tensor<T>) -> Result<()> {
        match self.from[i] {
            Some(node) => self.slots.add(self.op, i, node, gradient),
            None => Ok(()),
        }
    }

    /// What has been gathered for operand `i`, for a kernel that adds to it and gives the sum back by
    /// [`Sink::add`].
    pub fn take(&mut self, i: usize) -> Option<Tensor<T>> {
        self.from[i].and_then(|node| self.slots.take(node))
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
        let Some(NodeId(node)) = self.from[i] else { return Ok(()) };
        match &mut self.slots.gradients[node] {
            Some(there) => kernel(there, Accumulate::Add)?,
            empty => {
                let mut fresh = Tensor::scratch(self.slots.shapes[node]);
                kernel(&mut fresh, Accumulate::Overwrite)?;
                *empty = Some(fresh);
            }
        }
        Ok(())
    }

    /// The shape of operand `i`, if it wants a gradient.
    pub fn shape(&self, i: usize) -> Option<Shape> {
        self.from[i].map(|NodeId(node)| self.slots.shapes[node])
    }
}

/// The gradients that have been gathered so far, one place a node.
pub(crate) struct Slots<T: Element> {
    shapes: Vec<Shape>,
    gradients: Vec<Option<Tensor<T>>>,
}

impl<T: Element> Slots<T> {
    pub(crate) fn new(shapes: Vec<Shape>) -> Slots<T> {
        let gradients = shapes.iter().map(|_| None).collect();
        Slots { shapes, gradients }
    }

    pub(crate) fn take(&mut self, NodeId(node): NodeId) -> Option<Tensor<T>> {
        self.gradients[node].take()
    }

    pub(crate) fn add(
        &mut self,
        op: &'static str,
        operand: usize,
        NodeId(node): NodeId,
        gradient: Tensor<T>,
    ) -> Result<()> {
        let expected = self.shapes[node];
        if *gradient.shape() != expected {
            return Err(Error::GradientShape { op, operand, expected, got: *gradient.shape() });
        }
        match &mut self.gradients[node] {
            Some(there) => ops::add_assign(there, &gradient)?,
            empty => *empty = Some(gradient),
        }
        Ok(())
    }
}

/// One recorded operation, whatever its type.
pub(crate) trait Backward<T: Element> {
    fn run(self: Box<Self>, dy: Tensor<T>, slots: &mut Slots<T>) -> Result<()>;
}

struct Step<O, S, const N: usize> {
    op: O,
    saved: S,
    from: [Option<NodeId>; N],
}

impl<T: Element, const N: usize, O: Op<T, N>> Backward<T> for Step<O, O::Saved, N> {
    fn run(self: Box<Self>, dy: Tensor<T>, slots: &mut Slots<T>) -> Result<()> {
        let Step { op, saved, from } = *self;
        op.backward(saved, dy, &mut Sink { op: O::NAME, from: &from, slots })
    }
}
