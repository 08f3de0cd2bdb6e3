//! The layers of a network, and the tape of one pass.

use super::super::model::drawable;
use super::super::shelf::Shelf;
use super::super::shown::shown;
use crate::error::Result;
use serde::Serialize;
use std::collections::HashSet;
use tweedie_autograd::{GraphNode, NodeOrigin, SavedTensor, Tape};
use tweedie_nn::trace::Trace;
use tweedie_tensor::Tensor;
use tweedie_train::plan::check_pictures;

/// The layers of a network, and its tape.
#[derive(Serialize)]
pub(in super::super) struct Inside {
    timesteps: usize,
    trace: Trace,
    tape: Vec<Node>,
}

/// A node of the tape.
#[derive(Serialize)]
struct Node {
    /// The operation; none for what comes from outside.
    op: Option<&'static str>,
    parameter: Option<String>,
    shape: Vec<usize>,
    operands: Vec<Option<usize>>,
    flops: f64,
    saved: Vec<Saved>,
}

/// A tensor that an operation has saved.
#[derive(Serialize)]
struct Saved {
    shape: Vec<usize>,
    bytes: usize,
    /// The same for tensors that share their memory.
    identity: usize,
    /// Whether it is a weight of the model, which takes no memory of the tape's.
    is_weight: bool,
}

impl Saved {
    fn new(saved: &SavedTensor, weights: &HashSet<usize>) -> Saved {
        let &SavedTensor { shape, bytes, identity } = saved;
        Saved { shape: shape.dims().to_vec(), bytes, identity, is_weight: weights.contains(&identity) }
    }
}

/// The network of a model from inside.
///
/// # Errors
/// What is no model, or none that can be drawn.
pub(in super::super) fn inside(shelf: &Shelf, name: &str) -> Result<Inside> {
    let model = drawable(shelf, name, true)?;
    check_pictures(model.network_config(), 1, 1, 0, "pictures")?;
    let [c, h, w] = model.shape();
    let (noise, clocks) = model.noised(&Tensor::zeros([1, c, h, w]), model.num_timesteps()? - 1, 0)?;
    let tape = Tape::new();
    model.record(&tape, &noise, &clocks, &shown(&model, "", "", 1)?)?;
    let weights: HashSet<usize> = model.params().values().iter().map(Tensor::identity).collect();
    let node = |node: GraphNode| {
        let shape = node.shape.dims().to_vec();
        let outside =
            Node { op: None, parameter: None, shape, operands: Vec::new(), flops: 0.0, saved: Vec::new() };
        match node.origin {
            NodeOrigin::Leaf => outside,
            NodeOrigin::Parameter(id) => {
                Node { parameter: model.params().names().get(id.0).cloned(), ..outside }
            }
            NodeOrigin::Operation(operation) => Node {
                op: Some(operation.name),
                operands: operation.operands,
                flops: operation.flops,
                saved: operation.saved.iter().map(|saved| Saved::new(saved, &weights)).collect(),
                ..outside
            },
        }
    };
    Ok(Inside {
        timesteps: model.num_timesteps()?,
        trace: model.network_config().trace(model.shape())?,
        tape: tape.graph().into_iter().map(node).collect(),
    })
}
