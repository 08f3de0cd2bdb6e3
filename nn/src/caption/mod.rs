//! Captions, as sequences of word numbers, and the encoder that maps them to the context of cross-attention.

mod config;
mod encoder;

pub use config::CaptionConfig;
pub use encoder::CaptionEncoder;
