//! Samplers as diffusers would have them, from its configuration files.

mod beta;
mod betas;
mod class;
mod keys;
mod kinds;
mod readings;
mod samplers;
mod times;

pub use class::SchedulerClass;
pub use keys::SchedulerConfig;
