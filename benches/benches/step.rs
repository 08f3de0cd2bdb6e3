//! A whole training step and a forward pass of the two measured networks.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use std::time::Duration;
use tweedie_nn::UNetConfig;
use tweedie_train::measure::bench::Step;

fn steps(c: &mut Criterion) {
    for (name, config, side, batch) in
        [("small", UNetConfig::small(), 28, 64), ("cifar", UNetConfig::cifar(), 32, 8)]
    {
        let mut step =
            Step::new(&config.into(), side, batch).expect("a network of the program's own presets");
        let mut group = c.benchmark_group(name);
        group.throughput(Throughput::Elements(batch as u64)).sample_size(10);
        group.warm_up_time(Duration::from_secs(1)).measurement_time(Duration::from_secs(8));
        group.bench_function("forward", |bencher| bencher.iter(|| step.forward()));
        group.bench_function("train", |bencher| bencher.iter(|| step.train()));
        group.finish();
    }
}

criterion_group!(benches, steps);
criterion_main!(benches);
