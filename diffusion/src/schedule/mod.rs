//! The table that everything else reads: β_t, ᾱ_t, and the level of signal and noise at each step.

mod between;
mod config;
mod families;
mod table;
mod without_root;

pub use config::{ScheduleConfig, ScheduleKind};
pub use families::karras_sigmas;
pub use table::Schedule;
