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
#![forbid(unsafe_code)]

pub mod prelude;

pub use tweedie_autograd as autograd;
pub use tweedie_diffusion as diffusion;
pub use tweedie_nn as nn;
pub use tweedie_tensor as tensor;
pub use tweedie_train as train;
