//! Products of matrices: C ← start + A·B.
//!
//! The f32 product, from the inside out:
//!
//! 1. The *microkernel* ([`microkernel`]) holds a tile of C in registers and adds to it, for one k after the other, the outer
//!    product of a column of A and a row of B. It is limited by arithmetic: two fused multiply-adds a cycle on most processors.
//!    Tiles under one another are a *strip* ([`strip`]), which is computed in one call.
//! 2. It reads its operands from front to back, so they are first copied into *panels* ([`pack`]) in that order. A copy costs one
//!    load and one store for each number, which is then used as often as C has rows or columns, from a near cache. A transpose, or
//!    the window of a convolution ([`planes`]), costs nothing more.
//! 3. The *driver* ([`driver`]) loops over blocks whose panels fit the caches; [`cut`] cuts a product into tasks for threads.
//! 4. The *output* ([`output`]) knows where a tile's rows and columns lie in memory.
//! 5. A C of few rows, or a sum of few steps, is *streamed* ([`streamed`]): packing B would take as long as multiplying.
//!
//! Every number of C is one sum in the order of k, each step a multiply-add with a single rounding. Where a block ends, the partial
//! sum is stored in C and the next block continues from there. So the bits depend neither on the shape of tiles and blocks, nor on
//! the instruction set, nor on the number of threads. Only a long sum for a small C is cut into slices
//! (`multiply_sliced`), and where is a function of the shape.

mod bf16;
mod blocks;
mod cut;
mod dgemm;
mod driver;
mod matrix;
mod microkernel;
mod operands;
mod output;
mod pack;
mod planes;
mod runs;
mod sgemm;
mod source;
mod start;
mod streamed;
mod strip;
mod window;

#[cfg(test)]
mod tests;

pub use bf16::{Bf16Method, bf16_gemm, par_bf16_gemm, par_bf16_gemm_with_bias};
pub(super) use cut::share;
pub use dgemm::{dgemm, par_dgemm, par_dgemm_with_bias};
pub(super) use driver::{multiply_parallel, multiply_sliced};
pub use matrix::MatRef;
pub(super) use microkernel::{LINE, TileShape};
pub(super) use operands::{ByFeature, ByPosition};
pub(super) use output::Output;
pub(super) use pack::Words;
pub(super) use planes::Planes;
pub use sgemm::{par_sgemm, par_sgemm_with_bias, sgemm};
pub use start::Accumulate;
pub(super) use start::Start;
pub(super) use strip::{ColumnsOfB, Prefetch, RowsOfA, Strip};
pub(super) use window::Window;
