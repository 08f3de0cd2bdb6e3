use tweedie_tensor::Shape;

/// Errors of differentiation.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Error {
    /// The kernel below an operation refused its operands.
    #[error(transparent)]
    Tensor(#[from] tweedie_tensor::Error),
    /// Two operands were recorded on different tapes.
    #[error("{op}: its operands stand on different tapes")]
    ForeignTape {
        /// The operation.
        op: &'static str,
    },
    /// The tape of a variable has been run backward before, and its nodes are gone.
    #[error("{op}: the tape has been run backward and holds nothing any more")]
    Spent {
        /// The operation.
        op: &'static str,
    },
    /// `backward` was called on more or less than one number.
    #[error("backward: starts from a loss of one number, not from shape {shape}")]
    NotScalar {
        /// The shape of the variable it was called on.
        shape: Shape,
    },
    /// `backward` was called on a constant.
    #[error("backward: the loss depends on nothing that stands on a tape")]
    Constant,
    /// An operation returned a gradient of another shape than its operand's.
    #[error("{op}: the gradient of operand {operand} has shape {got}, the operand {expected}")]
    GradientShape {
        /// The operation.
        op: &'static str,
        /// Which operand, from 0.
        operand: usize,
        /// The operand's shape.
        expected: Shape,
        /// The gradient's shape.
        got: Shape,
    },
    /// An operation needs at least one operand.
    #[error("{op}: needs at least one operand")]
    NoOperand {
        /// The operation.
        op: &'static str,
    },
}

/// The result of a differentiable operation.
pub type Result<T, E = Error> = std::result::Result<T, E>;
