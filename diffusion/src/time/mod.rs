//! Time: levels of signal and noise, the times at which a denoiser is asked, and the steps between them.
//!
//! [`Level`] is how much signal and noise a picture holds, [`Timestep`] a level with the value of the network's clock,
//! [`Transition`] the forward step between two levels. A [`Step`] of a sampler has a time at either end, and [`Times`] are
//! all its steps; [`Spacing`] says which indices of a schedule they begin at.

pub(crate) mod interpolation;
mod level;
mod spacing;
mod step;
mod times;
mod timestep;
pub(crate) mod transition;

pub use level::Level;
pub use spacing::Spacing;
pub use step::Step;
pub use times::Times;
pub use timestep::Timestep;
pub use transition::{Transition, VarianceKind};
