//! Prints how many billion multiplications and additions a second the products and convolutions do: the best of
//! several runs. `cargo run --release -p tweedie-tensor --example throughput -- [threads] [gemm|conv]`.

use rayon::ThreadPoolBuilder;
use std::hint::black_box;
use std::time::Instant;
use tweedie_tensor::ops::{
    Conv2dOptions, Padding, conv2d, conv2d_grad_input, conv2d_grad_weight, matmul_into,
};
use tweedie_tensor::{Accumulate, Result, Shape, Tensor};

const MEASURED_SECONDS: f64 = 0.25;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let threads = arguments.first().and_then(|a| a.parse().ok()).unwrap_or(1);
    let part = arguments.get(1).map_or("", String::as_str);
    // A pool that cannot be built leaves rayon's own.
    let _ = ThreadPoolBuilder::new().num_threads(threads).build_global();
    if part != "conv" {
        products()?;
    }
    if part != "gemm" {
        convolutions()?;
    }
    Ok(())
}

fn numbers(shape: impl Into<Shape>) -> Tensor {
    Tensor::from_fn(shape, |i| (i * 7919 % 1013) as f32 / 1013.0 - 0.5)
}

/// Billions of operations a second, of which each run does `flops`.
fn rate(flops: usize, mut run: impl FnMut() -> Result<()>) -> Result<f64> {
    let (begin, mut best) = (Instant::now(), f64::INFINITY);
    while begin.elapsed().as_secs_f64() < MEASURED_SECONDS {
        let start = Instant::now();
        run()?;
        best = best.min(start.elapsed().as_secs_f64());
    }
    Ok(flops as f64 / best / 1e9)
}

fn products() -> Result<()> {
    println!("{:>22} {:>8} {:>8} {:>8}", "m × n × k", "A·B", "A·Bᵀ", "Aᵀ·B");
    let squares = [64, 128, 256, 512, 1024, 2048].map(|n| [n, n, n]);
    let layers = [[64, 512, 128], [3136, 128, 128], [16384, 256, 64], [256, 256, 12544]];
    for [m, n, k] in squares.into_iter().chain(layers) {
        let mut out = Tensor::scratch([m, n]);
        let mut rates = [0.0; 3];
        for (rate_of, (at, bt)) in rates.iter_mut().zip([(false, false), (false, true), (true, false)]) {
            let a = numbers(if at { [k, m] } else { [m, k] });
            let b = numbers(if bt { [n, k] } else { [k, n] });
            *rate_of = rate(2 * m * n * k, || {
                matmul_into(&a, at, &b, bt, black_box(&mut out), Accumulate::Overwrite)
            })?;
        }
        let [ab, abt, atb] = rates;
        println!("{:>22} {ab:>8.1} {abt:>8.1} {atb:>8.1}", format!("{m} × {n} × {k}"));
    }
    Ok(())
}

fn convolutions() -> Result<()> {
    println!("{:>34} {:>8} {:>8} {:>8}", "convolution", "y", "dx", "dw");
    let layers = [
        ([64, 32, 28, 28], 32, 3, 1),
        ([64, 64, 14, 14], 64, 3, 1),
        ([64, 128, 7, 7], 128, 3, 1),
        ([64, 1, 28, 28], 32, 3, 1),
        ([64, 32, 28, 28], 1, 3, 1),
        ([8, 128, 32, 32], 128, 3, 1),
        ([8, 256, 16, 16], 256, 3, 1),
        ([8, 512, 8, 8], 256, 3, 1),
        ([8, 128, 32, 32], 128, 3, 2),
        ([64, 64, 14, 14], 64, 3, 2),
        ([64, 96, 14, 14], 64, 1, 1),
        ([8, 256, 32, 32], 128, 1, 1),
    ];
    for (x_shape, channels_out, kernel, stride) in layers {
        let conv = Conv2dOptions { stride, padding: Padding::same(kernel / 2) };
        let x = numbers(x_shape);
        let w = numbers([channels_out, x_shape[1], kernel, kernel]);
        let bias = numbers([channels_out]);
        let dy = numbers(conv.output_shape(x.shape(), w.shape())?);
        let flops = 2 * dy.numel() * x_shape[1] * kernel * kernel;
        let y = rate(flops, || conv2d(&x, &w, Some(&bias), &conv).map(|y| drop(black_box(y))))?;
        let (mut dx, mut dw) = (Tensor::scratch(*x.shape()), Tensor::scratch(*w.shape()));
        let how = Accumulate::Overwrite;
        let dx = rate(flops, || conv2d_grad_input(&dy, &w, x.shape(), &conv, black_box(&mut dx), how))?;
        let dw = rate(flops, || conv2d_grad_weight(&x, &dy, w.shape(), &conv, black_box(&mut dw), how))?;
        let name = format!("{} → {channels_out}, {kernel} × {kernel} / {stride}", x.shape());
        println!("{name:>34} {y:>8.1} {dx:>8.1} {dw:>8.1}");
    }
    Ok(())
}
