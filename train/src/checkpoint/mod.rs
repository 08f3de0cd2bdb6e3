//! Everything that a run is, at one step, in one safetensors file.

mod file;
mod header;
mod names;
mod tensors;

pub(crate) use file::{best, prune, read, write};
pub(crate) use header::Header;
pub(crate) use names::{path_of, steps};
pub(crate) use tensors::{EMA, MODEL, OPTIMIZER, TIMES, group, named, params};
