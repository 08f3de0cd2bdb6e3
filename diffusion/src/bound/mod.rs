//! The variational bound −log p(x_0) ≤ L_T + Σ_{t≥2} L_{t−1} + L_0 (Ho et al. 2020, eq. 5), term by term.
//!
//! [`Bound`] computes the terms of a batch; [`BoundEstimator`] gathers them over pictures, all times of each or a
//! stratified few, into a [`BoundEstimate`] with standard errors and the rate–distortion curve. Terms are in nats a
//! sample, estimates in bits a dimension; sums are in f64 whatever the denoiser computes in.
//!
//! ```
//! use tweedie_diffusion::{Bound, BoundEstimator, Condition, GaussianDenoiser, Schedule, VarianceKind};
//! use tweedie_tensor::{Tensor, ops, random::{self, Purpose}};
//!
//! // Data N(0, 0.2²) in 64 places, and the denoiser that knows it.
//! let schedule = Schedule::linear(1000, 1e-4, 0.02)?;
//! let denoiser = GaussianDenoiser::new(Tensor::<f64>::zeros([64]), 0.04)?;
//! let z = random::normal([64, 64], 0, Purpose::TEST, 0, 0);
//! let x0 = ops::combine(&[(&[0.2], &z)])?;
//!
//! let mut estimator = BoundEstimator::new(Bound::new(&schedule, VarianceKind::FixedLarge), 20, 0)?;
//! estimator.add(&denoiser, &x0, &Condition::default(), 0)?;
//! let bits = estimator.estimate().total;
//! // Their entropy, counted in levels of 2/255, is log2(0.2 · √(2πe) · 127.5) = 6.72; that σ² = β is not quite exact costs
//! // another hundredth.
//! assert!((bits.mean - 6.72).abs() < 0.15, "{bits:?}");
//! # Ok::<(), tweedie_diffusion::Error>(())
//! ```

mod decoder;
mod estimate;
mod estimator;
mod normal_cdf;
mod strata;
mod terms;

pub use decoder::Decoder;
pub use estimate::{BoundEstimate, Mean, RateDistortion, TermEstimate};
pub use estimator::{BoundBatch, BoundEstimator, BoundTerms};
pub use terms::{Bound, Term};
