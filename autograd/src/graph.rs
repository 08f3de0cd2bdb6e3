use crate::node::ParamId;
use crate::recorded::RecordedOperation;
use tweedie_tensor::Shape;

/// A node of a tape, as [`Tape::graph`](crate::Tape::graph) shows it.
#[derive(Debug, Clone, PartialEq)]
pub struct GraphNode {
    /// The shape of its value.
    pub shape: Shape,
    /// Where its value came from.
    pub origin: NodeOrigin,
}

/// Where the value of a node came from.
#[derive(Debug, Clone, PartialEq)]
pub enum NodeOrigin {
    /// From outside, by [`Tape::leaf`](crate::Tape::leaf).
    Leaf,
    /// It is a parameter, by [`Tape::param`](crate::Tape::param).
    Parameter(ParamId),
    /// An operation computed it.
    Operation(RecordedOperation),
}
