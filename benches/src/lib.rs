//! What the benches share. The work of whole networks is `tweedie_train::measure::bench`, as the program itself measures it.
//!
//! `cargo bench -p tweedie-benches` runs all; `… --bench products -- 512` some. `RAYON_NUM_THREADS` sets the threads.

#![forbid(unsafe_code)]

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

/// Numbers in [−0.5, 0.5), the same every time.
pub fn numbers(shape: impl Into<Shape>) -> Tensor {
    Tensor::from_fn(shape, |i| (i * 7919 % 1013) as f32 / 1013.0 - 0.5)
}
