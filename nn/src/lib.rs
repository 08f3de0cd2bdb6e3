//! Layers, the UNet of diffusers, a diffusion transformer, a residual MLP, caption encoders, a classifier, optimizers, learning-rate
//! schedules, moving averages of weights, and weight files.
//!
//! Parameters live outside the layers, in one [`Params`]: a layer is a few numbers and the indices of its
//! parameters. So the same layer runs with f32 and with f64 parameters, with trained and with averaged ones, and the
//! optimizer sees one flat list.
//!
//! ```
//! use tweedie_autograd::{Tape, Var};
//! use tweedie_nn::{Builder, Ctx, Layer, layers::Linear};
//! use tweedie_tensor::Tensor;
//!
//! let builder = Builder::new();
//! let layer = Linear::new(&builder.pp("linear"), 3, 2); // registers linear.weight and linear.bias
//! let params = builder.draw(0); // initial values, a function of the seed
//! let tape = Tape::new();
//! let ctx = Ctx::training(&params, &tape);
//! let loss = layer.forward(&ctx, Var::constant(Tensor::full([5, 3], 1.0)))?.sum()?;
//! drop(ctx);
//! let gradients = loss.backward()?;
//! assert_eq!(params.collect(gradients)[1].as_ref().unwrap().as_slice(), [5.0, 5.0]); // ∂Σy/∂bias
//! # Ok::<(), tweedie_autograd::Error>(())
//! ```
#![forbid(unsafe_code)]

mod builder;
pub mod caption;
#[cfg(any(test, feature = "test-util"))]
pub mod check;
mod classifier;
mod condition;
mod config;
mod ctx;
pub mod described;
mod ema;
mod error;
pub mod files;
mod fit;
pub mod layers;
pub mod lr;
pub mod mlp;
pub mod network;
pub mod optim;
mod params;
pub mod purpose;
mod spec;
pub mod trace;
pub mod transformer;
pub mod unet;
pub mod weights;

pub use builder::Builder;
pub use classifier::{Classifier, ClassifierConfig, Reading};
pub use ctx::{Ctx, Layer};
pub use ema::Ema;
pub use error::{Error, Result};
pub use fit::Fit;
pub use mlp::{MlpConfig, ResidualMlp};
pub use network::{Inputs, Network, NetworkConfig};
pub use params::Params;
pub use spec::{Init, Spec};
pub use transformer::{Transformer, TransformerConfig};
pub use tweedie_autograd::ParamId;
pub use unet::{UNet, UNetConfig};

/// The code of this page of the book is compiled and run as a test.
#[cfg(doctest)]
#[doc = include_str!("../../docs/how-to/add-a-layer.md")]
mod book {}
