use crate::gradients::Gradients;
use crate::op::{Backward, Slots};
use crate::{Result, Var};
use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use tweedie_tensor::{Element, Shape, Tensor};

/// Which parameter of a model a gradient belongs to: its index in the model's list of parameters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ParamId(pub usize);

/// A place on a tape.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct NodeId(pub(crate) usize);

/// A record of operations in the order they ran (R. E. Wengert, 1964).
///
/// Cloning a tape gives another handle on the same record. A tape belongs to one thread; the kernels under
/// its operations use all of them.
pub struct Tape<T: Element = f32> {
    record: Rc<RefCell<Record<T>>>,
}

struct Record<T: Element> {
    nodes: Vec<Node<T>>,
    params: HashMap<ParamId, (NodeId, Tensor<T>)>,
    spent: bool,
}

struct Node<T: Element> {
    shape: Shape,
    origin: Origin<T>,
}

enum Origin<T: Element> {
    Leaf(Option<ParamId>),
    Operation(Box<dyn Backward<T>>),
}

impl<T: Element> Clone for Tape<T> {
    fn clone(&self) -> Self {
        Tape { record: Rc::clone(&self.record) }
    }
}

impl<T: Element> Default for Tape<T> {
    fn default() -> Self {
        Tape::new()
    }
}

impl<T: Element> Tape<T> {
    /// An empty tape.
    pub fn new() -> Tape<T> {
        let record = Record { nodes: Vec::new(), params: HashMap::new(), spent: false };
        Tape { record: Rc::new(RefCell::new(record)) }
    }

    /// A variable with no history, whose gradient is wanted.
    pub fn leaf(&self, value: Tensor<T>) -> Var<T> {
        let at = self.push(*value.shape(), Origin::Leaf(None));
        Var::recorded(value, self.clone(), at)
    }

    /// A model's parameter as a variable. Asked twice for the same one, answers the same variable, so that a
    /// shared weight gathers all of its gradient in one place.
    ///
    /// Call it where the parameter is used rather than up front: backward reaches a leaf after all of its
    /// consumers, and then its gradient is final (see [`Var::backward_with`]).
    pub fn param(&self, id: ParamId, value: &Tensor<T>) -> Var<T> {
        let known = self.record.borrow().params.get(&id).map(|(at, value)| (*at, value.clone()));
        if let Some((at, value)) = known {
            return Var::recorded(value, self.clone(), at);
        }
        let at = self.push(*value.shape(), Origin::Leaf(Some(id)));
        self.record.borrow_mut().params.insert(id, (at, value.clone()));
        Var::recorded(value.clone(), self.clone(), at)
    }

    /// The parameters that have been used so far, with their values, by id.
    pub(crate) fn params(&self) -> Vec<(ParamId, Tensor<T>)> {
        let record = self.record.borrow();
        let mut used: Vec<_> = record.params.iter().map(|(id, (_, value))| (*id, value.clone())).collect();
        used.sort_by_key(|(id, _)| *id);
        used
    }

    /// How many nodes have been recorded.
    pub fn len(&self) -> usize {
        self.record.borrow().nodes.len()
    }

    /// Whether nothing has been recorded.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(crate) fn same(&self, other: &Tape<T>) -> bool {
        Rc::ptr_eq(&self.record, &other.record)
    }

    pub(crate) fn is_spent(&self) -> bool {
        self.record.borrow().spent
    }

    pub(crate) fn operation(&self, shape: Shape, backward: Box<dyn Backward<T>>) -> NodeId {
        self.push(shape, Origin::Operation(backward))
    }

    fn push(&self, shape: Shape, origin: Origin<T>) -> NodeId {
        let nodes = &mut self.record.borrow_mut().nodes;
        nodes.push(Node { shape, origin });
        NodeId(nodes.len() - 1)
    }

    /// Pops every node in reverse order of recording, starting with gradient `seed` at node `from`.
    pub(crate) fn backward(
        &self,
        from: NodeId,
        seed: Tensor<T>,
        mut ready: impl FnMut(ParamId, &mut Tensor<T>),
    ) -> Result<Gradients<T>> {
        let mut nodes = {
            let mut record = self.record.borrow_mut();
            record.spent = true;
            // Backward needs no parameter's value from here; letting go keeps the model its only owner.
            record.params.clear();
            std::mem::take(&mut record.nodes)
        };
        let mut slots = Slots::new(nodes.iter().map(|node| node.shape).collect());
        slots.add("backward", 0, from, seed)?;
        let mut gradients = Gradients::default();
        while let Some(node) = nodes.pop() {
            let at = NodeId(nodes.len());
            let Some(mut gradient) = slots.take(at) else { continue };
            match node.origin {
                Origin::Operation(operation) => operation.run(gradient, &mut slots)?,
                Origin::Leaf(Some(id)) => {
                    ready(id, &mut gradient);
                    gradients.put(at, Some(id), gradient);
                }
                Origin::Leaf(None) => gradients.put(at, None, gradient),
            }
        }
        Ok(gradients)
    }
}
