use crate::gradients::Gradients;
use crate::node::{NodeId, ParamId};
use crate::{Error, Result, Tape};
use std::fmt;
use tweedie_tensor::{Element, Shape, Tensor};

/// A tensor that may stand on a tape.
///
/// Cloning is cheap: the numbers are shared. Operations take their operands by value; clone what is used
/// again. The methods are in [`crate::ops`], one file a family.
#[derive(Clone)]
pub struct Var<T: Element = f32> {
    value: Tensor<T>,
    at: Option<(Tape<T>, NodeId)>,
}

impl<T: Element> Var<T> {
    /// A variable without a tape: nothing done to it is recorded.
    pub fn constant(value: Tensor<T>) -> Var<T> {
        Var { value, at: None }
    }

    pub(crate) fn recorded(value: Tensor<T>, tape: Tape<T>, at: NodeId) -> Var<T> {
        Var { value, at: Some((tape, at)) }
    }

    /// The numbers.
    pub fn value(&self) -> &Tensor<T> {
        &self.value
    }

    /// The numbers, without the history.
    pub fn into_value(self) -> Tensor<T> {
        self.value
    }

    /// The same numbers as a constant: no gradient flows back through this one.
    pub fn detach(&self) -> Var<T> {
        Var::constant(self.value.clone())
    }

    /// The shape.
    pub fn shape(&self) -> &Shape {
        self.value.shape()
    }

    /// The lengths of the axes.
    pub fn dims(&self) -> &[usize] {
        self.value.dims()
    }

    /// The tape that this variable stands on; `None` for a constant.
    pub fn tape(&self) -> Option<&Tape<T>> {
        self.at.as_ref().map(|(tape, _)| tape)
    }

    pub(crate) fn node(&self) -> Option<NodeId> {
        self.at.as_ref().map(|(_, node)| *node)
    }

    /// The gradients of this loss, one number, with respect to every leaf under it.
    ///
    /// # Errors
    /// [`Error::NotScalar`], [`Error::Constant`], or [`Error::Spent`] on a second call.
    pub fn backward(self) -> Result<Gradients<T>> {
        self.backward_with(|_, _| {})
    }

    /// As [`Var::backward`], calling `ready` with each parameter's gradient as soon as it is final, while the
    /// rest of the backward pass is still to come. `ready` may change it, to scale it or to exchange it.
    ///
    /// # Errors
    /// As [`Var::backward`].
    pub fn backward_with(self, ready: impl FnMut(ParamId, &mut Tensor<T>)) -> Result<Gradients<T>> {
        if self.value.numel() != 1 {
            return Err(Error::NotScalar { shape: *self.shape() });
        }
        let seed = Tensor::full(*self.shape(), T::ONE);
        self.vjp_with(seed, ready)
    }

    /// The vector-Jacobian product: gradients of ⟨self, `seed`⟩ for a result of any shape.
    ///
    /// # Errors
    /// [`Error::GradientShape`] if `seed` has another shape; as [`Var::backward`] otherwise.
    pub fn vjp(self, seed: Tensor<T>) -> Result<Gradients<T>> {
        self.vjp_with(seed, |_, _| {})
    }

    /// As [`Var::vjp`], calling `ready` as [`Var::backward_with`] does.
    ///
    /// # Errors
    /// As [`Var::vjp`].
    pub fn vjp_with(
        self,
        seed: Tensor<T>,
        ready: impl FnMut(ParamId, &mut Tensor<T>),
    ) -> Result<Gradients<T>> {
        self.run_backward(seed, Vec::new(), ready)
    }

    /// As [`Var::vjp`], adding to what some leaves have gathered already.
    pub(crate) fn vjp_onto(self, seed: Tensor<T>, before: Vec<(NodeId, Tensor<T>)>) -> Result<Gradients<T>> {
        self.run_backward(seed, before, |_, _| {})
    }

    fn run_backward(
        self,
        seed: Tensor<T>,
        before: Vec<(NodeId, Tensor<T>)>,
        ready: impl FnMut(ParamId, &mut Tensor<T>),
    ) -> Result<Gradients<T>> {
        let Var { value, at } = self;
        // A result that only the loss held is free to be reused during the backward pass.
        drop(value);
        let Some((tape, node)) = at else { return Err(Error::Constant) };
        if tape.is_spent() {
            return Err(Error::Spent { op: "backward" });
        }
        tape.backward(node, seed, before, ready)
    }
}

impl<T: Element> fmt::Debug for Var<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = self.node().map_or("constant".to_string(), |NodeId(node)| format!("node {node}"));
        write!(f, "Var({place}, {:?})", self.value)
    }
}
