#![forbid(unsafe_code)]
//! The mathematics of diffusion models: schedules, the forward process and its posterior, predictions, losses,
//! samplers, and denoisers whose answers are known exactly.
//!
//! Pure functions of tensors and numbers: no files, no clocks, no networks. What predicts is a [`Denoiser`], be it
//! a network, a Gaussian, a mixture or the data set itself; what paints is a [`Sampler`], whose run is an iterator over states.
//!
//! # Time
//! The papers count β_t from t = 1 to T and call the clean picture t = 0. Here, as in every program, an index runs
//! over 0..T: **index t stands for the paper's t + 1**, so `schedule.betas()[0]` is β_1. The clean picture has no
//! index; where a step may end there, it is `None`. A [`Timestep`] is what a denoiser is told: a value of the
//! network's clock, and the [`Level`] of signal and noise at that time. With it, nothing that denoises needs to
//! know the schedule.
//!
//! # A picture from nothing
//! ```
//! use tweedie_diffusion::{Condition, Ddim, GaussianDenoiser, Sampler, Schedule, Spacing, Times, purpose};
//! use tweedie_tensor::{Tensor, random};
//!
//! // Data that are normal with mean 0.3 and variance 0.04 in each of 16 places: the exact denoiser is known.
//! let denoiser = GaussianDenoiser::new(Tensor::full([16], 0.3f64), 0.04)?;
//! let schedule = Schedule::cosine(1000)?;
//! let sampler = Ddim::new(&Times::spaced(&schedule, 200, Spacing::Trailing)?, 0.0)?;
//!
//! let x_t = random::normal([100, 16], 0, purpose::START, 0, 0);
//! let x = sampler.last(&denoiser, x_t, &Condition::default(), 0)?;
//! let mean = x.as_slice().iter().sum::<f64>() / 1600.0;
//! assert!((mean - 0.3).abs() < 0.02);
//! # Ok::<(), tweedie_diffusion::Error>(())
//! ```

mod analytic;
mod bound;
mod checks;
mod clip;
mod denoiser;
mod edit;
mod error;
mod guidance;
mod likelihood;
mod loss;
pub mod metrics;
pub mod plane;
mod prediction;
mod prediction_kind;
mod process;
pub mod purpose;
mod sampler;
mod schedule;
mod scheduler_config;
mod single_precision;
pub mod spectrum;
mod time;
mod timesteps;
pub mod verify;

pub use analytic::{EmpiricalDenoiser, GaussianDenoiser, MixtureDenoiser};
pub use bound::{
    Bound, BoundBatch, BoundEstimate, BoundEstimator, BoundTerms, Decoder, Mean, RateDistortion, Term,
    TermEstimate,
};
pub use clip::Clip;
pub use denoiser::{Condition, Denoiser, DenoiserFn, denoiser_fn, predict_finite};
pub use edit::{Inpaint, Inversion, Known, SdEdit, lerp, slerp};
pub use error::{Error, Result};
pub use guidance::Guided;
pub use likelihood::{CentralDifferences, JacobianProbe, ProbabilityFlow, Probe};
pub use loss::{Loss, LossValue, Objective, Weighting, target};
pub use prediction::Prediction;
pub use prediction_kind::PredictionKind;
pub use process::Gaussian;
pub use sampler::{
    Churn, Conditioned, Ddim, Ddpm, Deis, DpmSolver, DpmSolverAlgorithm, DpmSolverSingleStep, DpmSolverType,
    Euler, EulerAncestral, Heun, History, Kdpm2, Lcm, LearnedVariance, Lms, NoiseSource, Past, Pndm, Sampler,
    SamplerAbout, SamplerKind, SamplerSettings, Setting, State, Trajectory, UniPc, UniPcType,
};
pub use schedule::{Schedule, ScheduleConfig, ScheduleKind, karras_sigmas};
pub use scheduler_config::{SchedulerClass, SchedulerConfig};
pub use time::{Level, Spacing, Step, Times, Timestep, Transition, VarianceKind};
pub use timesteps::{TimestepDraw, TimestepSampler, TimestepSampling};

/// The code of this page of the book is compiled and run as a test.
#[cfg(doctest)]
#[doc = include_str!("../../docs/how-to/add-a-sampler.md")]
mod book {}
