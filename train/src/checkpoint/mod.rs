//! Everything that a run is, at one step, in one safetensors file.

mod file;
mod header;
mod keep;
mod names;
mod newest;
mod tensors;

pub(crate) use file::{read, whole, write};
pub(crate) use header::{Header, LastValidation};
pub(crate) use keep::{Score, best, better, prune};
pub(crate) use names::{path_of, steps};
pub use newest::newest_checkpoint;
pub(crate) use newest::{newest, whole_beside};
pub(crate) use tensors::{EMA, MODEL, OPTIMIZER, TIMES, check_complete, group, named, params};
