//! Weight files: safetensors in and out, strictly.

mod file;
mod half;
mod load;
mod save;

pub use file::{Entry, WeightFile, read_safetensors};
pub use load::load;
pub use save::{save, write_safetensors};
