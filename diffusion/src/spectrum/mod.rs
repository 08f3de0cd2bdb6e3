//! Pictures by their frequencies: what noise drowns first, and what a sampler paints first.
//!
//! Everything here is about the orthonormal two-dimensional DFT X(f) of each channel. Noise is white: E|ε(f)|² = 1 at every
//! frequency. So for any level of signal s and noise n,
//!
//! E|X_t(f)|² = s² |X_0(f)|² + n²,
//!
//! with s² = ᾱ_t and n² = 1 − ᾱ_t where the variance is preserved ([`noised`]). Natural pictures have power that falls as
//! f^−α (Field 1987, van der Schaaf and van Hateren 1996; [`PowerLaw`]), so that their high frequencies drown first
//! ([`crossover`]) and come back last ([`deviations`], [`fixed_from`]).

mod bands;
mod dft;
mod fixing;
mod mean;
mod noise;
mod power_law;

pub use bands::Bands;
pub use fixing::{deviations, fixed_from};
pub use mean::mean_spectrum;
pub use noise::{crossover, drowned_from, noised};
pub use power_law::PowerLaw;
