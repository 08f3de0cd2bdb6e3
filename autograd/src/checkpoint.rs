use crate::node::{Backward, NodeId, Pending};
use crate::recorded::{RecordedOperation, list};
use crate::{Error, ParamId, Result, Tape, Var};
use tweedie_tensor::{Element, Tensor, flops_so_far};

/// Runs a part of a network without keeping what its backward pass will read: the backward pass runs the part a second time
/// (T. Chen et al. 2016, "Training deep nets with sublinear memory cost").
///
/// `part` gets the tape to take its parameters from ([`Tape::param`]) and the inputs as variables on it. It
/// must compute the same result each time, and use nothing that stands on another tape.
///
/// # Errors
/// What `part` refuses; [`Error::ForeignTape`] when an input stands on another tape; [`Error::Spent`].
pub fn checkpoint<T: Element>(
    tape: &Tape<T>,
    inputs: Vec<Var<T>>,
    part: impl Fn(&Tape<T>, Vec<Var<T>>) -> Result<Var<T>> + 'static,
) -> Result<Var<T>> {
    if inputs.iter().filter_map(Var::tape).any(|other| !other.same(tape)) {
        return Err(Error::ForeignTape { op: "checkpoint" });
    }
    if tape.is_spent() {
        return Err(Error::Spent { op: "checkpoint" });
    }
    let from: Vec<Option<NodeId>> = inputs.iter().map(Var::node).collect();
    let values: Vec<Tensor<T>> = inputs.into_iter().map(Var::into_value).collect();
    let before = flops_so_far();
    let (result, params) = {
        let trial = Tape::new();
        let result = part(&trial, leaves(&trial, &values))?.into_value();
        (result, trial.params())
    };
    let params: Vec<(ParamId, NodeId)> = params
        .into_iter()
        .filter_map(|(id, value)| tape.param(id, &value).node().map(|node| (id, node)))
        .collect();
    let flops = flops_so_far() - before;
    let at = tape.record_operation(&result, Box::new(Replay { part, values, from, params, flops }));
    Ok(Var::recorded(result, tape.clone(), at))
}

fn leaves<T: Element>(tape: &Tape<T>, values: &[Tensor<T>]) -> Vec<Var<T>> {
    values.iter().map(|value| tape.leaf(value.clone())).collect()
}

/// The part with its inputs, to be run a second time, and the nodes of inputs and parameters, which get the gradients.
struct Replay<T: Element, F> {
    part: F,
    values: Vec<Tensor<T>>,
    from: Vec<Option<NodeId>>,
    params: Vec<(ParamId, NodeId)>,
    flops: f64,
}

impl<T, F> Backward<T> for Replay<T, F>
where
    T: Element,
    F: Fn(&Tape<T>, Vec<Var<T>>) -> Result<Var<T>> + 'static,
{
    fn run(self: Box<Self>, dy: Tensor<T>, pending: &mut Pending<T>) -> Result<()> {
        let tape = Tape::new();
        let inputs = leaves(&tape, &self.values);
        let result = (self.part)(&tape, inputs.clone())?;
        // What other parts have gathered for inputs and parameters goes in first, so that this part adds to it in the order,
        // and with the roundings, of a part that was recorded.
        let mut before = Vec::new();
        for (input, node) in inputs.iter().zip(&self.from) {
            if let (Some(inner), Some(outer)) = (input.node(), node) {
                before.extend(pending.gradient_mut(*outer).take().map(|sum| (inner, sum)));
            }
        }
        for (id, node) in &self.params {
            if let (Some(inner), Some(sum)) = (tape.node_of(*id), pending.gradient_mut(*node).take()) {
                before.push((inner, sum));
            }
        }
        let mut gradients = result.vjp_onto(dy, before)?;
        for (operand, (input, node)) in inputs.iter().zip(&self.from).enumerate() {
            if let (Some(node), Some(gradient)) = (node, gradients.take(input)) {
                pending.add("checkpoint", operand, *node, gradient)?;
            }
        }
        for (id, node) in &self.params {
            if let Some(gradient) = gradients.take_param(*id) {
                pending.add("checkpoint", self.from.len(), *node, gradient)?;
            }
        }
        Ok(())
    }

    fn describe(&self) -> RecordedOperation {
        let inputs = self.from.iter().map(|node| node.map(|NodeId(node)| node));
        let params = self.params.iter().map(|&(_, NodeId(node))| Some(node));
        RecordedOperation {
            name: "checkpoint",
            operands: inputs.chain(params).collect(),
            flops: self.flops,
            saved: list(&self.values),
        }
    }
}
