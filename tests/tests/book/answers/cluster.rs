use super::Answer;
use tweedie_train::Config;
use tweedie_train::config::GradientPrecision;
use tweedie_train::plan::{Network, StepCost, step_on, training};

pub(crate) const ANSWERS: &[Answer] =
    &[("cluster.hidden", hidden), ("cluster.hidden_bf16", hidden_bf16), ("cluster.sets", sets)];

/// What a step of `cifar` on two pictures takes, cut into shards.
fn cost(batch: usize, shards: usize) -> StepCost {
    let mut config = Config::preset("cifar").unwrap();
    config.train.shards = shards;
    training(&config, [3, 32, 32], batch, 0).unwrap()
}

/// The least time of a rank's passes from which on only the last bucket is waited for, found by halving.
fn hidden_as(precision: GradientPrecision) -> f64 {
    let network = Network { bandwidth: 1e9 / 8.0, latency: 0.0 };
    let parameters = cost(2, 1).parameters;
    let waited = |own| step_on(2, own, parameters, precision, network).1;
    let (mut short, mut long) = (0.0, 100.0);
    for _ in 0..60 {
        let middle = 0.5 * (short + long);
        if waited(middle) > waited(100.0) { short = middle } else { long = middle }
    }
    long
}

fn hidden() -> f64 {
    hidden_as(GradientPrecision::F32)
}

fn hidden_bf16() -> f64 {
    hidden_as(GradientPrecision::Bf16)
}

/// Each set of gradients is as large as the weights.
fn sets() -> f64 {
    let cost = cost(512, 512);
    cost.gradients as f64 / cost.weights as f64
}
