//! How near generated pictures are to real ones, judged by their features: rows of a matrix \[n, d\], whatever
//! network they come from. Everything is computed in f64.
//!
//! No one number tells. The Fréchet distance mixes fidelity and variety, and is larger for fewer pictures; the kernel
//! distance is as noisy but unbiased; precision and recall tell the two faults apart.

mod factor;
mod features;
mod frechet;
mod kernel;
mod manifold;
mod moments;
mod scores;

pub use frechet::frechet_distance;
pub use kernel::{KernelDistance, kernel_distance};
pub use manifold::{Manifolds, manifolds};
pub use moments::Moments;
pub use scores::Scores;
