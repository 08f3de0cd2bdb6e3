//! Training: data sets, the loop, run directories, checkpoints; and opening what training left.
//!
//! A run is a directory. [`Config`] says what it is, [`train()`] does it, an [`Observer`] watches it, [`Model`] opens
//! what it learnt.
#![forbid(unsafe_code)]

mod checkpoint;
pub mod config;
pub mod data;
mod error;
pub mod files;
pub mod measure;
pub mod memory;
mod metrics;
pub mod model;
mod observer;
pub mod plan;
pub mod purpose;
mod run;
mod user_error;

pub use config::{Config, PRESETS};
pub use error::{Error, Result};
pub use metrics::{Measured, Metrics, read_metrics};
pub use model::{Asked, Model, NetworkDenoiser, Painting, SampleRequest, newest_checkpoint};
pub use observer::{Control, Event, Observer, Progress, Summary, Task};
pub use run::{Begin, Freedom, decide, train};
pub use user_error::{UserError, reason};
