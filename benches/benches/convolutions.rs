//! Convolutions of the measured networks: forward, and both gradients. Operations are counted as the definition has
//! them, so that Winograd's way may show more than the processor can do.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use std::time::Duration;
use tweedie_benches::numbers;
use tweedie_nn::UNetConfig;
use tweedie_tensor::ops::{conv2d, conv2d_grad_input, conv2d_grad_weight};
use tweedie_tensor::{Accumulate, Tensor};
use tweedie_train::measure::bench::{Layer, layers};

fn convolutions(c: &mut Criterion) {
    let networks = [(UNetConfig::small(), 28, 64), (UNetConfig::cifar(), 32, 8)];
    let all = networks.iter().flat_map(|(config, side, batch)| {
        layers(config, *side, *batch).expect("a network of the program's own presets")
    });
    for (layer, _) in all {
        let Layer { picture, weight, conv } = layer;
        let (x, w, dy) = (numbers(picture), numbers(weight), numbers(layer.output()));
        let (mut dx, mut dw) = (Tensor::scratch(picture), Tensor::scratch(weight));
        let mut group = c.benchmark_group(layer.to_string());
        group.throughput(Throughput::Elements(layer.flops()));
        group
            .sample_size(20)
            .warm_up_time(Duration::from_millis(300))
            .measurement_time(Duration::from_secs(1));
        group.bench_function("forward", |bencher| bencher.iter(|| conv2d(&x, &w, None, &conv)));
        group.bench_function("gradient of the input", |bencher| {
            bencher.iter(|| conv2d_grad_input(&dy, &w, x.shape(), &conv, &mut dx, Accumulate::Overwrite));
        });
        group.bench_function("gradient of the weights", |bencher| {
            bencher.iter(|| conv2d_grad_weight(&x, &dy, w.shape(), &conv, &mut dw, Accumulate::Overwrite));
        });
        group.finish();
    }
}

criterion_group!(benches, convolutions);
criterion_main!(benches);
