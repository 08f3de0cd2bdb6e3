use crate::Shape;

/// Errors of tensor operations, with the operation and the shapes that it was given.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Error {
    /// Two operands do not fit each other.
    #[error("{op}: shapes {left} and {right} do not fit: {why}")]
    Mismatch {
        /// The operation.
        op: &'static str,
        /// Shape of the first operand.
        left: Shape,
        /// Shape of the second operand.
        right: Shape,
        /// The rule that they break.
        why: &'static str,
    },
    /// One operand has a shape that the operation cannot take.
    #[error("{op}: shape {shape} {why}")]
    Unfit {
        /// The operation.
        op: &'static str,
        /// The operand's shape.
        shape: Shape,
        /// The rule that it breaks.
        why: String,
    },
    /// A parameter of the operation (a stride, an axis, a group count) is out of its range.
    #[error("{op}: {name} = {value}: {why}")]
    Parameter {
        /// The operation.
        op: &'static str,
        /// The parameter's name.
        name: &'static str,
        /// The value that was given.
        value: String,
        /// The rule that it breaks.
        why: String,
    },
}

/// The result of a tensor operation.
pub type Result<T, E = Error> = std::result::Result<T, E>;
