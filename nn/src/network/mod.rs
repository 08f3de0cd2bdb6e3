//! What is trained and what paints, whatever it is built from.

mod config;
mod inputs;
mod model;
mod traced;

pub use config::{Backbone, NetworkConfig};
pub use inputs::Inputs;
pub use model::Network;
