//! tweedie for other crates: one dependency, without the command line.
//!
//! Each module is one of the crates below this one; [`prelude`] gathers what most programs name.
//!
//! | module | what lives there |
//! | --- | --- |
//! | [`tensor`] | tensors, their kernels, counter-based random numbers |
//! | [`autograd`] | the tape, variables, operations and their gradients |
//! | [`nn`] | layers, networks, parameters, optimizers, weight files |
//! | [`diffusion`] | schedules, losses, samplers, denoisers, bounds |
//! | [`train`] | data sets, the training loop, trained models |
//!
//! ```
//! use tweedie::prelude::*;
//!
//! // Data of mean 0.3 and variance 0.04: their denoiser is known, and DDIM draws such data with it.
//! let denoiser = tweedie::diffusion::GaussianDenoiser::new(Tensor::full([2], 0.3f64), 0.04)?;
//! let schedule = Schedule::cosine(1000)?;
//! let kind = SamplerKind::Ddim;
//! let sampler = SamplerSettings::new(kind).build(&kind.times(&schedule, 100, None)?)?;
//! let noise = random::normal([500, 2], 0, Purpose::new(128), 0, 0);
//! let drawn = sampler.last(&denoiser, noise, &Condition::default(), 0)?;
//! assert!((drawn.mean() - 0.3).abs() < 0.03);
//! # Ok::<(), tweedie::diffusion::Error>(())
//! ```
//!
//! # Errors and panics
//! Named methods return a `Result` whose error names the operation and the shapes. Operators (`&a + &b`) and indices
//! (`a[[0, 1]]`) panic with the same message.
//!
//! # Examples
//! In the order in which one learns; `cargo run --release -p tweedie --example 01-tensor` runs the first.
//!
//! | example | what it shows |
//! | --- | --- |
//! | `01-tensor` | arithmetic, products, shared memory, random numbers |
//! | `02-a-scalar-tape-in-eighty-lines` | reverse-mode differentiation from nothing |
//! | `03-gradients-against-differences` | how a gradient is known to be right |
//! | `04-fit-a-line-then-moons` | layers, parameters and [`nn::Fit`] |
//! | `05-your-own-operation` | an [`autograd::Op`] |
//! | `06-forward-process` | how data drown in noise |
//! | `07-two-dimensional-diffusion` | training and three samplers in the plane, as a picture |
//! | `08-your-own-layer-in-a-unet` | a [`nn::Layer`] in a UNet built by hand |
//! | `09-your-own-data-set` | a [`train::data::Source`] and a run on it |
//! | `10-your-own-sampler` | a [`diffusion::Sampler`], its order measured |
//! | `11-the-bound-of-a-gaussian` | the variational bound against a closed form |
//! | `12-train-and-sample-in-code` | the training loop and sampling, without files |
#![forbid(unsafe_code)]

pub mod prelude;

pub use tweedie_autograd as autograd;
pub use tweedie_diffusion as diffusion;
pub use tweedie_nn as nn;
pub use tweedie_tensor as tensor;
pub use tweedie_train as train;
