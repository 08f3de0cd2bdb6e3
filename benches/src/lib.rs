//! What the benches measure: shapes that the two measured networks have, and their whole training step.
//!
//! `cargo bench -p tweedie-benches` runs all; `… --bench products -- 512` some. `RAYON_NUM_THREADS` sets the threads.

#![forbid(unsafe_code)]

mod step;

pub use step::Step;
use tweedie_tensor::{Shape, Tensor};

/// Products [m, n, k]: squares, and what convolutions, projections and attention come to.
pub const PRODUCTS: [[usize; 3]; 9] = [
    [128, 128, 128],
    [256, 256, 256],
    [512, 512, 512],
    [1024, 1024, 1024],
    [2048, 2048, 2048],
    [64, 512, 128],
    [3136, 128, 128],
    [256, 8192, 1152],
    [256, 256, 12544],
];

/// A convolution: pictures [n, c, h, w], channels out, side of the kernel, stride.
pub type Layer = ([usize; 4], usize, usize, usize);

/// Layers of both networks, the costly ones and the awkward ones.
pub const LAYERS: [Layer; 11] = [
    ([64, 32, 28, 28], 32, 3, 1),
    ([64, 64, 14, 14], 64, 3, 1),
    ([64, 128, 7, 7], 128, 3, 1),
    ([64, 1, 28, 28], 32, 3, 1),
    ([64, 32, 28, 28], 1, 3, 1),
    ([64, 64, 14, 14], 64, 3, 2),
    ([8, 128, 32, 32], 128, 3, 1),
    ([8, 256, 16, 16], 256, 3, 1),
    ([8, 512, 8, 8], 256, 3, 1),
    ([8, 128, 32, 32], 128, 3, 2),
    ([8, 256, 32, 32], 128, 1, 1),
];

/// Numbers in [−0.5, 0.5), the same every time.
pub fn numbers(shape: impl Into<Shape>) -> Tensor {
    Tensor::from_fn(shape, |i| (i * 7919 % 1013) as f32 / 1013.0 - 0.5)
}
