//! What is trained and what paints, whatever it is built from.

mod config;
mod model;

pub use config::{Backbone, NetworkConfig};
pub use model::Network;
