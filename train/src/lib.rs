//! Training: data sets, the loop, run directories, checkpoints; and opening what training left.
//!
//! A run is a directory. [`Config`] says what it is, [`train()`] does it, an [`Observer`] watches it, [`Model`] opens
//! what it learnt. In code, [`Training`] does the same with any [`Source`](data::Source), with or without a directory,
//! and [`Trainer`] takes single steps of any network.
#![forbid(unsafe_code)]

mod checkpoint;
pub mod cluster;
pub mod config;
pub mod data;
mod error;
mod exact;
pub mod files;
mod inspect;
pub mod measure;
pub mod memory;
pub mod model;
mod picture_digest;
pub mod plan;
pub mod purpose;
mod run;
mod user_error;
mod weights_digest;

/// Pages of the book whose code is tested with this crate.
#[cfg(doctest)]
mod book {
    #[doc = include_str!("../../docs/how-to/add-a-data-set.md")]
    struct AddADataSet;
}

pub use checkpoint::newest_checkpoint;
pub use config::{Change, Config, PRESETS};
pub use error::{Error, Result};
pub use inspect::{Condition, Inspected, inspect_run, saved_config};
pub use model::{Asked, Model, NetworkDenoiser, Painting, SampleRequest};
pub use picture_digest::{PicturesDigest, picture_digest};
pub use run::{
    Adjustable, Begin, Control, Divergence, Event, Measured, Metrics, Observer, Owner, Progress, Quantity,
    RankMetrics, RunLock, StepReport, Summary, Task, Trainable, Trained, Trainer, Training, adjust,
    check_asked, check_data, read_metrics, told, train,
};
pub use user_error::{UserError, reason};
