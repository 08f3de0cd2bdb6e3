use serde::{Deserialize, Serialize};

/// A layer: the operations that read the parameters of one name, with those that follow them and read none; or, without
/// parameters, an operation that multiplies (attention) or that changes the size of a picture (pooling, joining).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TracedLayer {
    /// What its parameters' names begin with in a weight file; without parameters, the part of the network that it is in.
    pub name: String,
    /// Whether it reads parameters, and its name is theirs.
    pub has_parameters: bool,
    /// The block that it is in: what names begin with, up to the number that follows if there is one.
    pub block: String,
    /// Its main operation, as the tape calls it.
    pub kind: String,
    /// All its operations, in order.
    pub operations: Vec<String>,
    /// Its parameters; those that an earlier layer has read count there.
    pub tensors: Vec<TracedParameter>,
    /// The layers, by index, whose results it reads.
    pub inputs: Vec<usize>,
    /// The shape of its result, without the axis of samples where there is one.
    pub output: Vec<usize>,
    /// How many numbers it learns.
    pub parameters: usize,
    /// Multiplications and additions, as in [`Trace::flops`](super::Trace::flops).
    pub flops: u64,
    /// Bytes that it keeps for the backward pass. What several layers keep counts at the first of them.
    pub saved_bytes: u64,
    /// The place of its main operation on the tape.
    pub node: usize,
}

/// A parameter of a layer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TracedParameter {
    /// Its full name.
    pub name: String,
    /// Its shape.
    pub shape: Vec<usize>,
}
