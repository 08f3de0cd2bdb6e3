//! One layer of a trace, while the tape is read.

use std::collections::BTreeSet;
use tweedie_autograd::{GraphNode, NodeOrigin, ParamId, RecordedOperation};

/// The operations of a layer.
#[derive(Debug, Clone, Default)]
pub(super) struct Row {
    /// The layer whose parameters it reads; `None` if it reads none.
    pub(super) layer: Option<String>,
    /// The nodes of its operations, in order.
    pub(super) nodes: Vec<usize>,
    /// Those that read parameters, or the one that makes a row of its own.
    pub(super) own: Vec<usize>,
    /// The parameters that no earlier row reads.
    pub(super) first_read: BTreeSet<ParamId>,
}

/// The operation of a node.
pub(super) fn operation(node: &GraphNode) -> Option<&RecordedOperation> {
    match &node.origin {
        NodeOrigin::Operation(operation) => Some(operation),
        _ => None,
    }
}

impl Row {
    /// The node that does most of its work.
    pub(super) fn main(&self, graph: &[GraphNode]) -> usize {
        let flops = |node: usize| operation(&graph[node]).map_or(0.0, |operation| operation.flops);
        let most = self.own.iter().map(|&node| flops(node)).fold(0.0, f64::max);
        self.own.iter().copied().find(|&node| flops(node) >= most).unwrap_or_default()
    }

    /// The name of its main operation.
    pub(super) fn kind(&self, graph: &[GraphNode]) -> String {
        operation(&graph[self.main(graph)]).map_or_else(String::new, |operation| operation.name.to_string())
    }

    /// The shape of its main operation's result for one sample, without that axis. Where heads stand on the first axis, a later
    /// operation brings the samples back.
    pub(super) fn output(&self, graph: &[GraphNode]) -> Vec<usize> {
        let main = self.main(graph);
        let later = self.nodes.iter().copied().filter(|&node| node > main);
        let shapes = std::iter::once(main).chain(later).map(|node| graph[node].shape.dims());
        let of_one = shapes.clone().find(|dims| dims.len() > 1 && dims[0] == 1).map(|dims| &dims[1..]);
        of_one.or_else(|| shapes.into_iter().next()).unwrap_or_default().to_vec()
    }
}
