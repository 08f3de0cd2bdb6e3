//! What can be verified only where networks are: the embedding of times, and a trained model.

mod embedding;
mod model;

pub use embedding::embedding_rows;
pub use model::model_rows;
