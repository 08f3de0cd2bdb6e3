//! The operations of a tape as layers.

use super::layer::{TracedLayer, TracedParameter};
use super::names;
use super::row::{Row, operation};
use std::collections::{BTreeSet, HashSet};
use tweedie_autograd::{GraphNode, NodeOrigin, ParamId, RecordedOperation};

/// Operations that give a parameter another form.
const VIEWS: [&str; 2] = ["reshape", "permute"];

/// The layers so far, and what each node belongs to.
pub(super) struct Rows<'a> {
    names: &'a [String],
    rows: Vec<Row>,
    /// The row of each node; `None` for parameters and leaves.
    row_of: Vec<Option<usize>>,
    /// The parameter that a node is, in whatever form.
    parameter: Vec<Option<ParamId>>,
    read: HashSet<ParamId>,
    /// Operations before the first layer: they belong to it.
    leading: Vec<usize>,
    shapes: Vec<Vec<usize>>,
}

impl<'a> Rows<'a> {
    /// The layers of a tape on which parameters have these names.
    pub(super) fn of(graph: &[GraphNode], names: &'a [String]) -> Rows<'a> {
        let mut rows = Rows {
            names,
            rows: Vec::new(),
            row_of: Vec::with_capacity(graph.len()),
            parameter: Vec::with_capacity(graph.len()),
            read: HashSet::new(),
            leading: Vec::new(),
            shapes: vec![Vec::new(); names.len()],
        };
        for (at, node) in graph.iter().enumerate() {
            let (row, parameter) = match &node.origin {
                NodeOrigin::Leaf => (None, None),
                NodeOrigin::Parameter(id) => {
                    rows.shapes[id.0] = node.shape.dims().to_vec();
                    (None, Some(*id))
                }
                NodeOrigin::Operation(operation) => rows.place(graph, at, operation),
            };
            rows.row_of.push(row);
            rows.parameter.push(parameter);
        }
        rows
    }

    /// The row of an operation, or the parameter that it is another form of.
    fn place(
        &mut self,
        graph: &[GraphNode],
        at: usize,
        operation: &RecordedOperation,
    ) -> (Option<usize>, Option<ParamId>) {
        let operands: Vec<usize> = operation.operands.iter().copied().flatten().collect();
        let parameters: Vec<ParamId> = operands.iter().filter_map(|&node| self.parameter[node]).collect();
        if let ([parameter], true) = (&parameters[..], VIEWS.contains(&operation.name)) {
            return (None, Some(*parameter));
        }
        let row = match parameters.first() {
            Some(first) => {
                let layer = names::layer(&self.names[first.0]).to_string();
                let row = match self.rows.last() {
                    Some(last) if last.layer.as_ref() == Some(&layer) => self.rows.len() - 1,
                    _ => self.begin(Some(layer)),
                };
                self.rows[row].own.push(at);
                let new = parameters.into_iter().filter(|&parameter| self.read.insert(parameter));
                self.rows[row].first_read.extend(new);
                Some(row)
            }
            None if stands_alone(graph, at, operation, &operands) => {
                let row = self.begin(None);
                self.rows[row].own.push(at);
                Some(row)
            }
            None => operands.iter().filter_map(|&node| self.row_of[node]).max(),
        };
        match row {
            Some(row) => self.rows[row].nodes.push(at),
            None => self.leading.push(at),
        }
        (row, None)
    }

    fn begin(&mut self, layer: Option<String>) -> usize {
        let nodes = std::mem::take(&mut self.leading);
        let row = self.rows.len();
        // Placed before there was a row.
        nodes.iter().for_each(|&node| self.row_of[node] = Some(row));
        self.rows.push(Row { layer, nodes, ..Row::default() });
        row
    }

    /// The layers. `counted` has the identities of tensors whose memory counts elsewhere.
    pub(super) fn layers(&self, graph: &[GraphNode], mut counted: HashSet<usize>) -> Vec<TracedLayer> {
        let rows = self.rows.iter().enumerate();
        rows.map(|(index, row)| {
            let operations: Vec<&RecordedOperation> =
                row.nodes.iter().filter_map(|&node| operation(&graph[node])).collect();
            let tensors: Vec<TracedParameter> = row
                .first_read
                .iter()
                .map(|id| TracedParameter {
                    name: self.names[id.0].clone(),
                    shape: self.shapes[id.0].clone(),
                })
                .collect();
            let name = self.name(index);
            let saved = operations.iter().flat_map(|operation| &operation.saved);
            TracedLayer {
                block: names::block(&name),
                has_parameters: row.layer.is_some(),
                name,
                kind: row.kind(graph),
                operations: operations.iter().map(|operation| operation.name.to_string()).collect(),
                parameters: tensors.iter().map(|tensor| tensor.shape.iter().product::<usize>()).sum(),
                tensors,
                inputs: self.inputs(index, &operations),
                output: row.output(graph),
                node: row.main(graph),
                flops: operations.iter().map(|operation| operation.flops).sum::<f64>() as u64,
                saved_bytes: saved
                    .filter(|tensor| counted.insert(tensor.identity))
                    .map(|tensor| tensor.bytes as u64)
                    .sum(),
            }
        })
        .collect()
    }

    /// The other rows whose results the operations of a row read.
    fn inputs(&self, row: usize, operations: &[&RecordedOperation]) -> Vec<usize> {
        let operands = operations.iter().flat_map(|operation| operation.operands.iter().copied().flatten());
        let rows: BTreeSet<usize> =
            operands.filter_map(|node| self.row_of[node]).filter(|&other| other != row).collect();
        rows.into_iter().collect()
    }

    /// The name of a row.
    fn name(&self, row: usize) -> String {
        if let Some(layer) = &self.rows[row].layer {
            return layer.clone();
        }
        let named = |row: &Row| row.layer.clone();
        let before = self.rows[..row].iter().rev().find_map(named);
        let after = self.rows[row..].iter().find_map(named);
        match (before, after) {
            (Some(before), Some(after)) => names::between(&before, &after),
            (Some(only), None) | (None, Some(only)) => names::block(&only),
            (None, None) => String::new(),
        }
    }
}

/// Whether an operation without parameters is a layer: it multiplies, or its result is a picture of another size than each of its
/// operands.
fn stands_alone(graph: &[GraphNode], at: usize, operation: &RecordedOperation, operands: &[usize]) -> bool {
    let shape = graph[at].shape;
    let resizes = shape.rank() == 4
        && !operands.is_empty()
        && operands.iter().all(|&operand| graph[operand].shape.numel() != shape.numel());
    operation.flops > 0.0 || resizes
}
