//! What diffusion draws random numbers for. The numbers are part of what a seed means: they never change, and no other
//! crate of the workspace may use them.

use tweedie_tensor::random::Purpose;

/// The Gaussian noise ε of the forward process.
pub const NOISE: Purpose = Purpose::new(1);
/// The time of the diffusion that a training sample is taken to.
pub const TIMESTEP: Purpose = Purpose::new(2);
/// The state x_T that sampling starts from.
pub const START: Purpose = Purpose::new(5);
/// The noise that stochastic samplers add.
pub const SAMPLER: Purpose = Purpose::new(6);
/// The samples that a measurement looks at, and its noise.
pub const EVALUATION: Purpose = Purpose::new(12);
/// The points of the distributions of the plane.
pub const PLANE: Purpose = Purpose::new(17);

/// Every purpose of this crate, by name.
pub const ALL: [(&str, Purpose); 6] = [
    ("noise", NOISE),
    ("timestep", TIMESTEP),
    ("start", START),
    ("sampler", SAMPLER),
    ("evaluation", EVALUATION),
    ("plane", PLANE),
];
