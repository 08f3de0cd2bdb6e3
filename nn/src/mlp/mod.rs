//! A residual network of linear layers, for data of few numbers: points of the plane, say. It sees a picture as one list of
//! numbers, and is not told which are neighbours.

mod block;
mod config;
mod model;
mod position;

pub use config::MlpConfig;
pub use model::ResidualMlp;
