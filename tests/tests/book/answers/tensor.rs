use super::Answer;
use tweedie_tensor::{Tensor, ops};

pub(crate) const ANSWERS: &[Answer] = &[("tensor.loop", naive), ("tensor.sum", in_lanes)];

const ONES: usize = 20_000_000;

/// Where a loop that adds 1 to an f32 ends.
fn naive() -> f64 {
    let mut sum = 0.0f32;
    for _ in 0..ONES {
        sum += std::hint::black_box(1.0);
    }
    f64::from(sum)
}

fn in_lanes() -> f64 {
    f64::from(ops::sum(&Tensor::full([ONES], 1.0f32)).item().unwrap())
}
