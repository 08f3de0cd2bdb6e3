//! Diffusion in the plane, where everything can be seen: densities, scores, and the ways that samplers take.
//!
//! A point is a picture of two channels and one pixel, so a batch is \[n, 2, 1, 1\], and every schedule, sampler and network
//! takes points as it takes pictures.

mod checkerboard;
mod density;
mod dino;
mod distance;
mod distribution;
mod frame;
mod grid;
mod moons;
mod polyline;
mod score;
mod swissroll;
mod units;
mod ways;

pub use density::density;
pub use distance::sliced_wasserstein;
pub use distribution::{Distribution, batch};
pub use grid::Grid;
pub use score::{ScoreError, score, score_error};
pub use units::Units;
pub use ways::{Ways, ways};
