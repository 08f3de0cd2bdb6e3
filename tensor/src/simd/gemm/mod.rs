//! Matrix products: C ← A·B or C ← C + A·B.
//!
//! How the f32 product works, from the inside out:
//!
//! 1. The *microkernel* (`simd::microkernel`) holds a tile of C in registers, and adds to it
//!    the outer product of a column of A and a row of B for one k after the other. It is all arithmetic: two
//!    fused multiply-adds a cycle on most processors.
//! 2. For that it must find its operands in the order in which it reads them, so they are copied first into
//!    *panels* (`pack`). A copy costs one load and store per number, and each number is then used as often as C
//!    has rows or columns, straight from a near cache. The copy is also where a transpose, or the window of a
//!    convolution (`planes`), costs nothing extra.
//! 3. The *driver* cuts the product into blocks whose panels fit the caches, and into tasks for threads.
//! 4. The *output* says where a tile's rows and columns lie in memory.
//! 5. A C of few rows, or a sum of few steps, is *streamed* (`streamed`): there copying B would take as long as multiplying.
//!
//! Every element of C is one sum in the order of k, each step a multiply-add with a single rounding; where the
//! sum is interrupted, it goes on from the number stored in C. So its bits depend neither on the shape of tiles
//! and blocks, nor on the instruction set, nor on the number of threads. Only a long sum for a small C is cut
//! into slices (`multiply_sliced`), and where is a function of the shape.

mod blocks;
mod cut;
mod dgemm;
mod driver;
mod matrix;
mod microkernel;
mod output;
mod pack;
mod planes;
mod runs;
mod sgemm;
mod source;
mod start;
mod streamed;
mod strip;

#[cfg(test)]
mod tests;

pub(super) use cut::share;
pub use dgemm::{dgemm, par_dgemm};
pub(super) use driver::{multiply_parallel, multiply_sliced};
pub use matrix::MatRef;
pub(super) use microkernel::{LINE, TileShape};
pub(super) use output::Output;
pub(super) use planes::{ByFeature, ByPosition, Planes, Window};
pub use sgemm::{par_sgemm, sgemm};
pub use start::Accumulate;
pub(super) use start::Start;
pub(super) use strip::{ColumnsOfB, Prefetch, RowsOfA, Strip};
