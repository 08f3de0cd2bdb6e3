use super::Answer;
use tweedie_nn::UNetConfig;
use tweedie_train::Config;
use tweedie_train::measure::bench::{Layer, Rate, layers};
use tweedie_train::plan::training;

pub(crate) const ANSWERS: &[Answer] = &[
    ("performance.intensity", intensity),
    ("performance.roof", roof),
    ("performance.many", many),
    ("performance.picture", picture),
    ("performance.share", share),
];

/// Billions of operations a second that two threads do at most, and of bytes that the memory moves.
const PEAK: f64 = 516.0;
const MEMORY: f64 = 47.0;

/// The layer of a network that is called so, as a point below the roofline.
fn rate(network: &UNetConfig, side: usize, batch: usize, name: &str) -> Rate {
    let found = layers(network, side, batch).unwrap();
    let (layer, _) = found.into_iter().find(|(layer, _)| layer.to_string() == name).unwrap();
    let Layer { picture, weight, .. } = layer;
    let numbers = [picture, weight].map(|sides| sides.iter().product::<usize>()).iter().sum::<usize>()
        + layer.output().numel();
    let intensity = layer.flops() as f64 / (4 * numbers) as f64;
    Rate { shape: name.to_string(), gflops: 0.0, peak_gflops: PEAK, fraction: 0.0, intensity }
}

fn first() -> Rate {
    rate(&UNetConfig::small(), 28, 64, "64x1x28x28 to 32, 3x3")
}

fn intensity() -> f64 {
    first().intensity
}

fn roof() -> f64 {
    100.0 * first().roof_gflops(MEMORY) / PEAK
}

fn many() -> f64 {
    let rate = rate(&UNetConfig::cifar(), 32, 8, "8x128x32x32 to 128, 3x3");
    assert_eq!(rate.roof_gflops(MEMORY), PEAK);
    rate.intensity
}

/// GFLOP of a training step, for each of eight pictures.
fn picture() -> f64 {
    training(&Config::preset("cifar").unwrap(), [3, 32, 32], 8, 0).unwrap().flops / 8e9
}

fn share() -> f64 {
    100.0 * 8.0 * picture() / 0.398 / PEAK
}
