use super::Layer;
use crate::Result;
use rayon::prelude::*;
use serde::Serialize;
use std::hint::black_box;
use std::time::{Duration, Instant};
use tweedie_tensor::ops::{conv2d, conv2d_grad_input, conv2d_grad_weight};
use tweedie_tensor::simd::multiply_adds;
use tweedie_tensor::{Accumulate, Precision, Shape, Tensor, ops};

/// How long one shape is measured.
const SPELL: Duration = Duration::from_millis(250);

/// What one shape of work reached.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Rate {
    /// What was computed.
    pub shape: String,
    /// Billions of multiplications and additions a second, counted as the definition has them.
    pub gflops: f64,
    /// The most that the same threads can do.
    pub peak_gflops: f64,
    /// The one over the other.
    pub fraction: f64,
    /// Multiplications and additions for each byte of its operands and its result, each counted once.
    #[serde(skip)]
    pub intensity: f64,
}

impl Rate {
    /// Of `flops` operations on `numbers` numbers, done `runs` times a second.
    fn new(shape: String, flops: f64, numbers: usize, runs: f64, peak_gflops: f64) -> Rate {
        let gflops = runs * flops / 1e9;
        let intensity = flops / (numbers * size_of::<f32>()) as f64;
        Rate { shape, gflops, peak_gflops, fraction: gflops / peak_gflops, intensity }
    }

    /// The roofline's limit, in the same unit: the peak, or what can be done with operands that come from memory, and a result
    /// that goes there, at so many billions of bytes a second (Williams, Waterman, Patterson 2009).
    pub fn roof_gflops(&self, gbytes: f64) -> f64 {
        self.peak_gflops.min(gbytes * self.intensity)
    }
}

/// Billions of multiplications and additions a second that all threads together can do in registers.
pub fn peak_gflops() -> f64 {
    let rounds = || rayon::broadcast(|_| (0..10).map(|_| multiply_adds()).sum::<u64>()).into_iter().sum();
    let mut flops: u64 = rounds();
    best_rate(|| flops = rounds()) * flops as f64 / 1e9
}

/// Billions of bytes a second that all threads together move when they copy what no cache holds: read and written.
pub fn memory_gbytes() -> f64 {
    const NUMBERS: usize = 32 << 20;
    const PIECE: usize = 1 << 18;
    let (from, mut to) = (vec![1.0f32; NUMBERS], vec![0.0f32; NUMBERS]);
    let runs = best_rate(|| {
        let pieces = to.par_chunks_mut(PIECE).zip(from.par_chunks(PIECE));
        pieces.for_each(|(to, from)| black_box(to).copy_from_slice(from));
    });
    runs * (2 * NUMBERS * size_of::<f32>()) as f64 / 1e9
}

/// How often the best of many runs would fit into a second.
fn best_rate(mut run: impl FnMut()) -> f64 {
    let (began, mut best) = (Instant::now(), f64::INFINITY);
    while began.elapsed() < SPELL {
        let start = Instant::now();
        run();
        best = best.min(start.elapsed().as_secs_f64());
    }
    1.0 / best
}

fn numbers(shape: impl Into<Shape>) -> Tensor {
    Tensor::from_fn(shape, |i| (i * 7919 % 1013) as f32 / 1013.0 - 0.5)
}

/// The rate of a product A·B of f32 numbers, A being m × k and B k × n.
///
/// # Errors
/// None for lengths above 0.
pub fn product_rates([m, n, k]: [usize; 3], precision: Precision, peak: f64) -> Result<Rate> {
    let (a, b, mut out) = (numbers([m, k]), numbers([k, n]), Tensor::scratch([m, n]));
    let how = Accumulate::Overwrite;
    ops::matmul_into_with(precision, &a, false, &b, false, &mut out, how)?;
    let runs = best_rate(|| {
        drop(black_box(ops::matmul_into_with(precision, &a, false, &b, false, &mut out, how)));
    });
    let (flops, numbers) = ((2 * m * n * k) as f64, m * k + k * n + m * n);
    Ok(Rate::new(format!("{m}x{n}x{k}"), flops, numbers, runs, peak))
}

/// The rates of a convolution, of its gradient with respect to its input, and of that with respect to its weights.
///
/// # Errors
/// None for layers of a network.
pub fn convolution_rates(layer: &Layer, peak: f64) -> Result<[Rate; 3]> {
    let Layer { picture, weight, conv } = *layer;
    let (x, w, dy) = (numbers(picture), numbers(weight), numbers(layer.output()));
    let (mut dx, mut dw) = (Tensor::scratch(picture), Tensor::scratch(weight));
    let how = Accumulate::Overwrite;
    // Once each, so that an error is not mistaken for speed.
    conv2d(&x, &w, None, &conv)?;
    conv2d_grad_input(&dy, &w, x.shape(), &conv, &mut dx, how)?;
    conv2d_grad_weight(&x, &dy, w.shape(), &conv, &mut dw, how)?;
    let runs = [
        best_rate(|| drop(black_box(conv2d(&x, &w, None, &conv)))),
        best_rate(|| drop(black_box(conv2d_grad_input(&dy, &w, x.shape(), &conv, &mut dx, how)))),
        best_rate(|| drop(black_box(conv2d_grad_weight(&x, &dy, w.shape(), &conv, &mut dw, how)))),
    ];
    let passes = ["forward", "gradient of the input", "gradient of the weights"];
    let (flops, numbers) = (layer.flops() as f64, x.numel() + w.numel() + dy.numel());
    let rate = |i: usize| Rate::new(format!("{layer}: {}", passes[i]), flops, numbers, runs[i], peak);
    Ok([rate(0), rate(1), rate(2)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_a_share_of_the_peak() {
        let peak = peak_gflops();
        let rate = product_rates([64, 96, 128], Precision::F32, peak).unwrap();
        assert_eq!(rate.shape, "64x96x128");
        assert!(rate.gflops > 0.0 && rate.peak_gflops == peak && rate.fraction == rate.gflops / peak);
    }
}
