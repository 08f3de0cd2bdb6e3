//! Training: a run, from its configuration to its last picture.

mod adjust;
pub(crate) mod amounts;
mod budget;
mod checks;
mod cost;
mod directory;
mod divergence;
mod fingerprint;
mod grace;
mod grids;
mod journal;
mod journal_state;
mod lock;
mod metrics;
mod metrics_file;
mod observer;
mod pictures;
mod session;
pub(crate) mod shards;
mod standing;
pub(crate) mod state;
mod trainable;
mod trainer;
mod training;
mod validation;
mod window;

pub use adjust::{Adjustable, adjust};
pub use divergence::{Divergence, Quantity};
pub(crate) use journal_state::JournalState;
pub use lock::RunLock;
pub use metrics::{Measured, Metrics, read_metrics};
pub use observer::{Control, Event, Observer, Progress, Summary, Task};
pub use trainable::Trainable;
pub use trainer::{StepReport, Trainer};
pub use training::{Begin, Trained, Training, train};
