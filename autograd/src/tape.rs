use crate::Result;
use crate::gradients::Gradients;
use crate::graph::{GraphNode, NodeOrigin};
use crate::node::{Backward, NodeId, ParamId, Pending};
use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use tweedie_tensor::{Element, Shape, Tensor};

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
    /// The value of each node, where they are kept.
    values: Option<Vec<Tensor<T>>>,
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
        let record = Record { nodes: Vec::new(), params: HashMap::new(), values: None, spent: false };
        Tape { record: Rc::new(RefCell::new(record)) }
    }

    /// An empty tape that keeps every value that is recorded, to be looked at. It takes the memory of all of them.
    ///
    /// ```
    /// use tweedie_autograd::Tape;
    /// use tweedie_tensor::Tensor;
    /// let tape = Tape::keeping_values();
    /// let x = tape.leaf(Tensor::from_slice([2], &[1.0f32, 2.0])?);
    /// let _product = x.clone().add(x.clone())?.mul(x)?;
    /// let values: Vec<_> = tape.values().iter().map(|value| value.as_slice().to_vec()).collect();
    /// assert_eq!(values, [[1.0, 2.0], [2.0, 4.0], [2.0, 8.0]]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn keeping_values() -> Tape<T> {
        let tape = Tape::new();
        tape.record.borrow_mut().values = Some(Vec::new());
        tape
    }

    /// The value of each node so far, in the order of [`Tape::graph`]; none unless the tape [keeps them](Tape::keeping_values).
    pub fn values(&self) -> Vec<Tensor<T>> {
        self.record.borrow().values.clone().unwrap_or_default()
    }

    /// How many nodes have been recorded.
    pub fn len(&self) -> usize {
        self.record.borrow().nodes.len()
    }

    /// Whether nothing has been recorded.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What has been recorded, in the order of the forward pass: the operands of a node stand before it. Empty once the tape
    /// has been run backward.
    ///
    /// ```
    /// use tweedie_autograd::{NodeOrigin, Tape};
    /// use tweedie_tensor::Tensor;
    /// let tape = Tape::new();
    /// let x = tape.leaf(Tensor::<f32>::zeros([3, 4]));
    /// let _y = x.clone().mul(x)?;
    /// let [_, product] = &tape.graph()[..] else { panic!() };
    /// let NodeOrigin::Operation(product) = &product.origin else { panic!() };
    /// assert_eq!((product.name, &product.operands[..]), ("mul", &[Some(0), Some(0)][..]));
    /// // Both operands are saved, and share their memory.
    /// assert_eq!((product.saved.len(), product.saved[0].bytes), (2, 48));
    /// assert_eq!(product.saved[0].identity, product.saved[1].identity);
    /// # Ok::<(), tweedie_autograd::Error>(())
    /// ```
    pub fn graph(&self) -> Vec<GraphNode> {
        let origin = |origin: &Origin<T>| match origin {
            Origin::Leaf(None) => NodeOrigin::Leaf,
            Origin::Leaf(Some(param)) => NodeOrigin::Parameter(*param),
            Origin::Operation(operation) => NodeOrigin::Operation(operation.describe()),
        };
        let nodes = &self.record.borrow().nodes;
        nodes.iter().map(|node| GraphNode { shape: node.shape, origin: origin(&node.origin) }).collect()
    }

    pub(crate) fn same(&self, other: &Tape<T>) -> bool {
        Rc::ptr_eq(&self.record, &other.record)
    }

    /// Whether the tape has been run backward, so that its nodes are gone.
    pub(crate) fn is_spent(&self) -> bool {
        self.record.borrow().spent
    }

    /// The parameters that have been used so far, with their values, by id.
    pub(crate) fn params(&self) -> Vec<(ParamId, Tensor<T>)> {
        let record = self.record.borrow();
        let mut used: Vec<_> = record.params.iter().map(|(id, (_, value))| (*id, value.clone())).collect();
        used.sort_by_key(|(id, _)| *id);
        used
    }

    /// Where a parameter stands, if it has been used.
    pub(crate) fn node_of(&self, id: ParamId) -> Option<NodeId> {
        self.record.borrow().params.get(&id).map(|(node, _)| *node)
    }

    /// Records a value without a history.
    pub(crate) fn record_leaf(&self, value: &Tensor<T>) -> NodeId {
        self.push(value, Origin::Leaf(None))
    }

    /// Records a parameter, or finds it if it has been recorded. Returns the value of the first recording.
    pub(crate) fn record_param(&self, id: ParamId, value: &Tensor<T>) -> (NodeId, Tensor<T>) {
        if let Some((node, value)) = self.record.borrow().params.get(&id) {
            return (*node, value.clone());
        }
        let node = self.push(value, Origin::Leaf(Some(id)));
        self.record.borrow_mut().params.insert(id, (node, value.clone()));
        (node, value.clone())
    }

    /// Records an operation with this result.
    pub(crate) fn record_operation(&self, result: &Tensor<T>, backward: Box<dyn Backward<T>>) -> NodeId {
        self.push(result, Origin::Operation(backward))
    }

    fn push(&self, value: &Tensor<T>, origin: Origin<T>) -> NodeId {
        let Record { nodes, values, .. } = &mut *self.record.borrow_mut();
        if let Some(values) = values {
            values.push(value.clone());
        }
        nodes.push(Node { shape: *value.shape(), origin });
        NodeId(nodes.len() - 1)
    }

    /// Pops every node in reverse order of recording, starting with gradient `seed` at node `from`, onto the gradients
    /// that some leaves have already.
    pub(crate) fn backward(
        &self,
        from: NodeId,
        seed: Tensor<T>,
        before: Vec<(NodeId, Tensor<T>)>,
        mut ready: impl FnMut(ParamId, &mut Tensor<T>),
    ) -> Result<Gradients<T>> {
        let mut nodes = {
            let mut record = self.record.borrow_mut();
            record.spent = true;
            // Backward needs no parameter's value from here; letting go keeps the model its only owner.
            record.params.clear();
            record.values = None;
            std::mem::take(&mut record.nodes)
        };
        let mut pending = Pending::new(nodes.iter().map(|node| node.shape).collect());
        for (node, sum) in before {
            pending.add("backward", 0, node, sum)?;
        }
        pending.add("backward", 0, from, seed)?;
        let mut gradients = Gradients::default();
        while let Some(node) = nodes.pop() {
            let id = NodeId(nodes.len());
            let Some(mut gradient) = pending.gradient_mut(id).take() else { continue };
            match node.origin {
                Origin::Operation(operation) => operation.run(gradient, &mut pending)?,
                Origin::Leaf(param) => {
                    if let Some(param) = param {
                        ready(param, &mut gradient);
                    }
                    gradients.put(id, param, gradient);
                }
            }
        }
        Ok(gradients)
    }
}
