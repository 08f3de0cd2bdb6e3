//! A network from inside: its layers in the order of the forward pass, with shapes, parameters, work and memory.
//!
//! Nothing here knows an architecture. The network's own code runs once on tensors without numbers
//! ([`tweedie_tensor::rehearse`]), and the tape tells what it did ([`Tape::graph`]): an operation that reads a parameter belongs
//! to the layer that the parameter is named after.

mod layer;
mod names;
mod row;
mod rows;

pub use layer::{TracedLayer, TracedParameter};

use crate::{Builder, Ctx, Result};
use rows::Rows;
use serde::{Deserialize, Serialize};
use std::collections::HashSet;
use tweedie_autograd::{GraphNode, NodeOrigin, Tape, Var};
use tweedie_tensor::rehearse;

/// The layers that a forward pass runs through.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Trace {
    /// The layers, in the order in which they first ran.
    pub layers: Vec<TracedLayer>,
    /// The same, by block.
    pub blocks: Vec<TracedBlock>,
    /// How many numbers the network learns.
    pub parameters: usize,
    /// Parameters that the pass did not read; they are among `parameters`, and in no layer.
    pub unused: Vec<String>,
    /// Multiplications and additions of convolutions, products of matrices and attention, by their definitions.
    pub flops: u64,
    /// Bytes that the forward pass keeps for the backward pass.
    pub saved_bytes: u64,
}

/// The layers of a block, together.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TracedBlock {
    /// Its name.
    pub name: String,
    /// How many layers.
    pub layers: usize,
    /// The shape of its last layer's result.
    pub output: Vec<usize>,
    /// How many numbers it learns.
    pub parameters: usize,
    /// Multiplications and additions.
    pub flops: u64,
    /// Bytes that it keeps for the backward pass.
    pub saved_bytes: u64,
}

/// Traces the network whose parameters `builder` has. `forward` runs it on one sample, made of tensors that are created inside:
/// nothing is computed, and tensors have no numbers.
///
/// ```
/// use tweedie_autograd::Var;
/// use tweedie_nn::{Builder, Layer, layers::Mlp, trace::trace};
/// use tweedie_tensor::Tensor;
/// let builder = Builder::new();
/// let mlp = Mlp::new(&builder, 8, 32);
/// let found = trace(&builder, |ctx| Ok(mlp.forward(ctx, Var::constant(Tensor::zeros([1, 8])))?))?;
/// let [fc1, fc2] = &found.layers[..] else { panic!() };
/// assert_eq!((&fc1.name[..], fc1.parameters, fc1.flops), ("fc1", 8 * 32 + 32, 2 * 8 * 32));
/// assert_eq!((&fc2.inputs[..], &fc2.output[..]), (&[0][..], &[8][..]));
/// # Ok::<(), tweedie_nn::Error>(())
/// ```
///
/// # Errors
/// What `forward` refuses.
pub fn trace(builder: &Builder, forward: impl FnOnce(&Ctx) -> Result<Var>) -> Result<Trace> {
    let (trace, _) = rehearse(|| -> Result<Trace> {
        let params = builder.draw(0);
        let tape = Tape::new();
        let ctx = Ctx::training(&params, &tape);
        drop(forward(&ctx)?);
        let graph = tape.graph();
        let own = params.values().iter().map(|value| value.identity()).collect();
        let layers = Rows::of(&graph, params.names()).layers(&graph, own);
        let unused = unused(&graph, params.names());
        Ok(Trace {
            blocks: blocks(&layers),
            parameters: builder.numel(),
            unused,
            flops: layers.iter().map(|layer| layer.flops).sum(),
            saved_bytes: layers.iter().map(|layer| layer.saved_bytes).sum(),
            layers,
        })
    });
    trace
}

/// The names of parameters that are not on the tape.
fn unused(graph: &[GraphNode], names: &[String]) -> Vec<String> {
    let used: HashSet<usize> = graph
        .iter()
        .filter_map(|node| match node.origin {
            NodeOrigin::Parameter(id) => Some(id.0),
            _ => None,
        })
        .collect();
    let left = names.iter().enumerate().filter(|(index, _)| !used.contains(index));
    left.map(|(_, name)| name.clone()).collect()
}

/// The layers by block, in the order of each block's first layer.
fn blocks(layers: &[TracedLayer]) -> Vec<TracedBlock> {
    let mut blocks: Vec<TracedBlock> = Vec::new();
    for layer in layers {
        let at = blocks.iter().position(|block| block.name == layer.block).unwrap_or_else(|| {
            blocks.push(TracedBlock {
                name: layer.block.clone(),
                layers: 0,
                output: Vec::new(),
                parameters: 0,
                flops: 0,
                saved_bytes: 0,
            });
            blocks.len() - 1
        });
        let block = &mut blocks[at];
        block.layers += 1;
        block.output.clone_from(&layer.output);
        block.parameters += layer.parameters;
        block.flops += layer.flops;
        block.saved_bytes += layer.saved_bytes;
    }
    blocks
}
