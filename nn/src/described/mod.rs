//! Any chain of layers, given as safetensors beside a JSON list of what the layers are: what pictures are compared in
//! when the program's own classifier will not do.
//!
//! ```json
//! [
//!   {"layer": "normalise", "mean": [0.5], "std": [0.5]},
//!   {"layer": "conv2d", "name": "conv1", "stride": 2, "padding": 1},
//!   {"layer": "relu"},
//!   {"layer": "global_average"},
//!   {"layer": "linear", "name": "fc"}
//! ]
//! ```
//!
//! Formulas, and names of tensors below a layer's name, are PyTorch's.

mod chain;
mod layer;

pub use chain::FeatureNetwork;
pub use layer::LayerDescription;
