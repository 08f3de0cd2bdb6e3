use crate::node::{Backward, NodeId, Pending};
use crate::profile::{Pass, timed};
use crate::recorded::{RecordedOperation, SavedTensors, list};
use crate::sink::Sink;
use crate::{Error, Result, Tape, Var};
use tweedie_tensor::{Element, Shape, Tensor, flops_so_far};

/// A differentiable operation of `N` operands and one result.
///
/// It is a type, so that its parameters have names, and an operation without a backward does not compile.
pub trait Op<T: Element, const N: usize>: 'static + Sized {
    /// What errors call it.
    const NAME: &'static str;

    /// What graphs and profiles call it: more exact than [`Op::NAME`] where one type is several functions.
    fn name(&self) -> &'static str {
        Self::NAME
    }

    /// Exactly what the backward pass reads. It is moved there, and freed as soon as it has been read.
    type Saved: SavedTensors<T> + 'static;

    /// Computes the result, and what the backward pass will read.
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
        let shapes = operands.each_ref().map(|operand| *operand.shape());
        let result =
            |computed: &Result<(Tensor<T>, _)>| computed.as_ref().ok().map(|(value, _)| *value.shape());
        let before = flops_so_far();
        let (value, saved) = timed(self.name(), Pass::Forward, &shapes, result, || {
            self.forward(operands.map(Var::into_value), from.map(|node| node.is_some()))
        })?;
        Ok(match tape {
            None => Var::constant(value),
            Some(tape) => {
                let step = Step { op: self, saved, shapes, from, flops: flops_so_far() - before };
                let at = tape.record_operation(&value, Box::new(step));
                Var::recorded(value, tape, at)
            }
        })
    }
}

/// An operation on the tape, until backward reaches it.
struct Step<O, S, const N: usize> {
    op: O,
    saved: S,
    shapes: [Shape; N],
    from: [Option<NodeId>; N],
    flops: f64,
}

impl<T: Element, const N: usize, O: Op<T, N>> Backward<T> for Step<O, O::Saved, N> {
    fn run(self: Box<Self>, dy: Tensor<T>, pending: &mut Pending<T>) -> Result<()> {
        let Step { op, saved, shapes, from, .. } = *self;
        let result = *dy.shape();
        timed(
            op.name(),
            Pass::Backward,
            &shapes,
            |_| Some(result),
            || op.backward(saved, dy, &mut Sink::new(O::NAME, &from, pending)),
        )
    }

    fn describe(&self) -> RecordedOperation {
        RecordedOperation {
            name: self.op.name(),
            operands: self.from.iter().map(|node| node.map(|NodeId(node)| node)).collect(),
            flops: self.flops,
            saved: list(&self.saved),
        }
    }
}
