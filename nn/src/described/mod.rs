//! Feature networks that a file describes: a chain of layers as a JSON list, with the weights as safetensors beside it. They
//! give the features in which sets of pictures are compared, where the program's own classifier is not wanted.
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
