//! What the program does, a file for each command.

mod bench;
mod captions;
mod classes;
mod edit;
mod eval;
mod inspect;
mod noise;
mod plan;
mod predict;
mod sample;
mod shell;
mod train;
mod verify;

pub(crate) use bench::bench;
pub(crate) use edit::edit;
pub(crate) use eval::eval;
pub(crate) use inspect::inspect;
pub(crate) use plan::plan;
pub(crate) use predict::predict;
pub(crate) use sample::sample;
pub(crate) use shell::{completions, man};
pub(crate) use train::train;
pub(crate) use verify::verify;

/// How many pictures go through the network at a time, so that memory does not grow with how many are asked for:
/// 64 of 32×32, fewer of larger ones. What is computed does not depend on it.
fn pictures_at_a_time([_, height, width]: [usize; 3]) -> usize {
    const PIXELS: usize = 64 * 32 * 32;
    (PIXELS / (height * width).max(1)).clamp(1, 64)
}
