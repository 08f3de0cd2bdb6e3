//! Weight files: reading and writing safetensors, strictly.

mod digest;
mod file;
mod half;
mod load;
mod save;
mod shards;

pub use file::{Entry, Readable, WeightFile, read_safetensors};
pub use load::load;
pub use save::{save, write_checked, write_safetensors};
pub use shards::load_sharded;
