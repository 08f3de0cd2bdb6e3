//! What the property tests draw from.
#![allow(dead_code, unreachable_pub)] // Each test file uses a part.

use proptest::prelude::*;
use tweedie_diffusion::{Level, Schedule};
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
        (2usize..80, 0.3..2.0).prop_map(|(steps, tau)| Schedule::sigmoid(steps, -3.0, 3.0, tau)),
        (2usize..80, -1.0..1.0, 0.2..1.0).prop_map(|(steps, mu, b)| Schedule::laplace(steps, mu, b)),
        (2usize..80, 0.002..0.1, 5.0..90.0)
            .prop_map(|(steps, low, high)| Schedule::edm(steps, low, high, 7.0)),
    ]
    .prop_map(|schedule| schedule.expect("β within (0, 1)"))
}

/// Schedules, and paths that do not preserve the variance: log SNR falls by random steps, in random scales.
pub fn paths() -> impl Strategy<Value = Schedule> {
    let steps = prop::collection::vec((0.01..1.0, 0.2..3.0), 2..60);
    let path = (-2.0..8.0, steps).prop_map(|(start, steps)| {
        let mut log_snr = start;
        let levels = steps.into_iter().map(|(drop, scale): (f64, f64)| {
            log_snr -= drop;
            let level = Level::of_log_snr(log_snr);
            Level { signal: scale * level.signal, noise: scale * level.noise }
        });
        Schedule::from_levels(levels.collect()).expect("SNR falls")
    });
    prop_oneof![schedules(), path]
}

/// `n` standard normals, as a batch of `samples`.
pub fn normals(samples: usize, n: usize, seed: u64) -> Tensor<f64> {
    random::normal([samples, n], seed, random::Purpose::TEST, 0, 0)
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
