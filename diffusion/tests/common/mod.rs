//! What the property tests draw from.
#![allow(dead_code, unreachable_pub)] // Each test file uses a part.

use proptest::prelude::*;
use tweedie_diffusion::Schedule;
use tweedie_tensor::{Tensor, random};

/// `cases` draws, the same ones in every run.
pub fn cases(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, failure_persistence: None, ..Default::default() }
}

/// Schedules of every family, of 2 to 80 steps, with random end points.
pub fn schedules() -> impl Strategy<Value = Schedule> {
    let ends = (2usize..80, 1e-5..0.05, 0.05..0.6);
    prop_oneof![
        ends.clone().prop_map(|(steps, start, end)| Schedule::linear(steps, start, end)),
        ends.prop_map(|(steps, start, end)| Schedule::scaled_linear(steps, start, end)),
        (2usize..80).prop_map(Schedule::cosine),
        prop::collection::vec(1e-4..0.7, 2..80).prop_map(Schedule::from_betas),
    ]
    .prop_map(|schedule| schedule.expect("β within (0, 1)"))
}

/// `n` standard normals, as a batch of `samples`.
pub fn normals(samples: usize, n: usize, seed: u64) -> Tensor<f64> {
    random::normal([samples, n], seed, random::Purpose::Test, 0, 0)
}

/// The schedule of Ho et al. 2020.
pub fn ho() -> Schedule {
    Schedule::linear(1000, 1e-4, 0.02).expect("β within (0, 1)")
}

/// Asserts that two numbers agree to a relative tolerance, with `scale` as the least magnitude.
#[track_caller]
pub fn close(actual: f64, expected: f64, tolerance: f64, scale: f64) {
    let bound = tolerance * expected.abs().max(scale);
    assert!((actual - expected).abs() <= bound, "{actual} is not {expected} within {bound:e}");
}
