//! Denoisers whose answer is known: the posterior mean E[x_0 | x_t] of data that have a formula. By Tweedie's
//! formula it is (x_t + (1−ᾱ_t) ∇ log p(x_t)) / √ᾱ_t, so these are exact score functions as well, and the best that
//! a network trained on such data could do.

mod empirical;
mod gaussian;
mod mixture;
mod same_sample;

pub use empirical::EmpiricalDenoiser;
pub use gaussian::GaussianDenoiser;
pub use mixture::MixtureDenoiser;
