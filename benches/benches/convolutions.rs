//! Convolutions of the measured networks: forward, and both gradients. Operations are counted as the definition has
//! them, so that Winograd's way may show more than the processor can do.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use std::time::Duration;
use tweedie_benches::{LAYERS, numbers};
use tweedie_tensor::ops::{Conv2d, Padding, conv2d, conv2d_grad_input, conv2d_grad_weight};
use tweedie_tensor::{Accumulate, Tensor};

fn convolutions(c: &mut Criterion) {
    for (picture, channels_out, side, stride) in LAYERS {
        let conv = Conv2d { stride, padding: Padding::same(side / 2) };
        let (x, w) = (numbers(picture), numbers([channels_out, picture[1], side, side]));
        let shape = conv.output_shape(x.shape(), w.shape()).expect("a layer of the table fits");
        let dy = numbers(shape);
        let (mut dx, mut dw) = (Tensor::scratch(*x.shape()), Tensor::scratch(*w.shape()));
        let name = format!("convolution {} to {channels_out}, {side}x{side}, stride {stride}", x.shape());
        let mut group = c.benchmark_group(name);
        group.throughput(Throughput::Elements(2 * (dy.numel() * picture[1] * side * side) as u64));
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
