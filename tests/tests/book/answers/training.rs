use super::Answer;
use tweedie_nn::lr::{Decay, LearningRate};

pub(crate) const ANSWERS: &[Answer] = &[("training.rate", rate), ("training.decay", decay)];

const RATE: LearningRate = LearningRate::Trapezoidal {
    peak: 1e-3,
    warmup: 100,
    decay_start: 240,
    total: 400,
    floor: 0.0,
    decay: Decay::Linear,
};

fn rate() -> f64 {
    RATE.at(320)
}

/// The share of the sum of all rates that the decay has, in per cent.
fn decay() -> f64 {
    let sum = |steps: std::ops::Range<u64>| steps.map(|step| RATE.at(step)).sum::<f64>();
    100.0 * sum(240..400) / sum(0..400)
}
