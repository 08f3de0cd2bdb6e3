//! Training: data sets, the loop, run directories, checkpoints; and opening what training left.
//!
//! A run is a directory. [`Config`] says what it is, [`train()`] does it, an [`Observer`] watches it, [`Model`] opens
//! what it learnt.
#![forbid(unsafe_code)]

mod attention;
pub mod bench;
mod checkpoint;
pub mod classifier;
pub mod config;
pub mod data;
mod diffusers;
pub mod edit;
mod error;
pub mod evaluate;
pub mod files;
pub mod memory;
mod metrics;
mod model;
mod observer;
pub mod plan;
mod run;
pub mod verify;

pub use config::{Config, PRESETS};
pub use diffusers::Asked;
pub use error::{Error, Result};
pub use metrics::{Measured, Metrics, read_metrics};
pub use model::{Model, SampleRequest, newest_checkpoint};
pub use observer::{Control, Event, Observer, Progress, Summary, Task};
pub use run::{Begin, Freedom, decide, train};
