//! What a run is: every choice that its result depends on, in one TOML file.

mod change;
mod check;
mod data;
mod diffusion;
mod optimizer;
mod overlay;
mod presets;
mod resuming;
mod root;
mod sampling;
mod text;
mod training;

pub use change::Change;
pub use data::DataConfig;
pub use diffusion::DiffusionConfig;
pub use optimizer::OptimizerConfig;
pub use presets::PRESETS;
pub(crate) use presets::{ENOUGH_STEPS, Smaller, smaller_digits};
pub use root::Config;
pub use sampling::SamplingConfig;
pub(crate) use training::check_shards;
pub use training::{GradientPrecision, OnDivergence, ProductPrecision, Recompute, TrainConfig};
pub use tweedie_diffusion::SamplerKind;
