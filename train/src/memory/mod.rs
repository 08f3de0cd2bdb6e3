//! How much memory the process holds, and how much it may hold, where the system tells.

mod limit;
mod resident;

pub use limit::memory_limit;
pub use resident::{forget_peak, peak_rss_mib, rss_mib};
