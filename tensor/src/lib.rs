//! Tensors for tweedie: shapes, pooled buffers, numeric kernels forward and backward, counter-based random
//! numbers.
//!
//! A tensor is row-major, contiguous, reference-counted and copied on write. Kernels are plain functions in
//! [`ops`]: each checks its operands and returns a [`Result`] whose error names the operation and the
//! shapes. Results do not depend on the number of threads: work is cut by shape, and partial sums are folded
//! in one fixed order.

mod arithmetic;
pub mod bf16;
mod buffer;
#[cfg(any(test, feature = "test-util"))]
pub mod check;
mod element;
mod error;
mod kernels;
mod literal;
mod methods;
mod number;
pub mod ops;
mod precision;
pub mod random;
mod reduction;
mod reference;
mod rehearsal;
mod shape;
mod shape_rules;
pub mod simd;
mod tensor;

pub use buffer::{Allocator, Buffer, OutOfMemory, PoolStats, stats as pool_stats, trim as trim_pool};
pub use element::Element;
pub use error::{Error, Result};
pub use number::Number;
pub use precision::Precision;
pub use rehearsal::{Rehearsal, flops_so_far, rehearse, rehearsed};
pub use shape::{MAX_RANK, Shape};
pub use simd::{Accumulate, Isa};
pub use tensor::Tensor;
