//! Captions: sequences of words, as numbers, and the encoder that makes of them the context of cross-attention.

mod config;
mod encoder;

pub use config::CaptionConfig;
pub use encoder::CaptionEncoder;
