//! What the program does, a file for each command.

mod bench;
pub(crate) mod captions;
pub(crate) mod classes;
mod edit;
mod eval;
mod inspect;
mod launch;
mod noise;
mod plan;
mod predict;
mod sample;
pub(crate) mod sampler_settings;
mod shell;
mod train;
mod verify;

pub(crate) use bench::bench;
pub(crate) use edit::edit;
pub(crate) use eval::eval;
pub(crate) use inspect::inspect;
pub(crate) use launch::launch;
pub(crate) use plan::plan;
pub(crate) use predict::predict;
pub(crate) use sample::sample;
pub(crate) use shell::{completions, man};
pub(crate) use train::train;
pub(crate) use verify::verify;
