use crate::tape::NodeId;
use crate::{ParamId, Var};
use std::collections::HashMap;
use tweedie_tensor::{Element, Tensor};

/// What a backward pass leaves: the gradient of every leaf that the loss depends on.
pub struct Gradients<T: Element = f32> {
    params: HashMap<ParamId, Tensor<T>>,
    leaves: HashMap<NodeId, Tensor<T>>,
}

impl<T: Element> Default for Gradients<T> {
    fn default() -> Self {
        Gradients { params: HashMap::new(), leaves: HashMap::new() }
    }
}

impl<T: Element> Gradients<T> {
    /// The gradient with respect to a leaf made by [`crate::Tape::leaf`]; `None` if the loss does not depend
    /// on it.
    pub fn wrt(&self, leaf: &Var<T>) -> Option<&Tensor<T>> {
        leaf.node().and_then(|node| self.leaves.get(&node))
    }

    /// The gradient with respect to a parameter; `None` if the loss does not depend on it.
    pub fn param(&self, id: ParamId) -> Option<&Tensor<T>> {
        self.params.get(&id)
    }

    /// Takes a parameter's gradient out.
    pub fn take_param(&mut self, id: ParamId) -> Option<Tensor<T>> {
        self.params.remove(&id)
    }

    /// Takes a leaf's gradient out.
    pub fn take(&mut self, leaf: &Var<T>) -> Option<Tensor<T>> {
        leaf.node().and_then(|node| self.leaves.remove(&node))
    }

    pub(crate) fn put(&mut self, at: NodeId, id: Option<ParamId>, gradient: Tensor<T>) {
        match id {
            Some(id) => self.params.insert(id, gradient),
            None => self.leaves.insert(at, gradient),
        };
    }
}
