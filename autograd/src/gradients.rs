use crate::node::{NodeId, ParamId};
use std::collections::HashMap;
use tweedie_tensor::{Element, Tensor};

/// The result of a backward pass: the gradient of every leaf that the loss depends on.
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
    /// The gradient with respect to a parameter; `None` if the loss does not depend on it.
    pub fn param(&self, id: ParamId) -> Option<&Tensor<T>> {
        self.params.get(&id)
    }

    /// Takes a parameter's gradient out.
    pub fn take_param(&mut self, id: ParamId) -> Option<Tensor<T>> {
        self.params.remove(&id)
    }

    pub(crate) fn leaf(&self, node: NodeId) -> Option<&Tensor<T>> {
        self.leaves.get(&node)
    }

    pub(crate) fn take_leaf(&mut self, node: NodeId) -> Option<Tensor<T>> {
        self.leaves.remove(&node)
    }

    pub(crate) fn put(&mut self, node: NodeId, id: Option<ParamId>, gradient: Tensor<T>) {
        match id {
            Some(id) => self.params.insert(id, gradient),
            None => self.leaves.insert(node, gradient),
        };
    }
}
