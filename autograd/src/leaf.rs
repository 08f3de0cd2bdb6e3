//! Where variables enter a tape, and where their gradients are found afterwards.

use crate::node::ParamId;
use crate::{Gradients, Tape, Var};
use tweedie_tensor::{Element, Tensor};

impl<T: Element> Tape<T> {
    /// A variable with no history, whose gradient is wanted.
    pub fn leaf(&self, value: Tensor<T>) -> Var<T> {
        let node = self.record_leaf(&value);
        Var::recorded(value, self.clone(), node)
    }

    /// A model's parameter as a variable. Asked twice for the same one, it returns the same variable, so that a
    /// shared weight gathers all of its gradient in one place.
    ///
    /// Call it where the parameter is used rather than up front: backward reaches a leaf after all of its
    /// consumers, and then its gradient is final (see [`Var::backward_with`]).
    pub fn param(&self, id: ParamId, value: &Tensor<T>) -> Var<T> {
        let (node, value) = self.record_param(id, value);
        Var::recorded(value, self.clone(), node)
    }
}

impl<T: Element> Gradients<T> {
    /// The gradient with respect to a leaf made by [`Tape::leaf`]; `None` if the loss does not depend on it.
    pub fn wrt(&self, leaf: &Var<T>) -> Option<&Tensor<T>> {
        leaf.node().and_then(|node| self.leaf(node))
    }

    /// Takes a leaf's gradient out.
    pub fn take(&mut self, leaf: &Var<T>) -> Option<Tensor<T>> {
        leaf.node().and_then(|node| self.take_leaf(node))
    }
}
