//! Runs: beginning, stopping and resuming them in processes of this program, and following any run as it goes.

mod follow;
mod grids;
mod process;

pub(super) use follow::follow;
pub(super) use grids::grid;
pub(super) use process::Runs;
