//! `tweedie bench`: this machine against its own peak.

mod reduce;
mod roofline;
mod save;

use crate::args::{BenchWhat, ProductsArgs, RatesArgs, StepArgs};
use crate::console::Console;
use crate::counted::counted;
use crate::error::{Failure, Result};
use crate::models::open;
use crate::output;
use crate::progress::Progress;
use serde::Serialize;
use std::path::Path;
use tweedie_nn::UNetConfig;
use tweedie_train::measure::bench::{
    Layer, Rate, Step, convolution_rates, layers, memory_gbytes, peak_gflops, product_rates,
};
use tweedie_train::memory;
use tweedie_train::plan::check_steps;

/// What `bench step --json` prints.
#[derive(Debug, Serialize)]
struct Measured<'a> {
    model: &'a str,
    params: usize,
    batch: usize,
    threads: usize,
    train_ms: f64,
    forward_ms: f64,
    peak_rss_mib: u64,
}

/// Measures.
///
/// # Errors
/// A MODEL that cannot be opened; a picture that cannot be written.
pub(crate) fn bench(what: &BenchWhat, console: Console) -> Result<()> {
    match what {
        BenchWhat::Step(args) => step(args, console),
        BenchWhat::Save(args) => save::save(args, console),
        BenchWhat::Reduce(args) => reduce::reduce(args, console),
        BenchWhat::Gemm(args) => gemm(args, console),
        BenchWhat::Conv(args) => conv(args, console),
    }
}

fn step(args: &StepArgs, console: Console) -> Result<()> {
    let batch = |default: usize| args.batch.map_or(default, |batch| batch as usize);
    let named = |config: UNetConfig, side: usize, batch: usize| {
        check_steps(&config.clone().into(), [config.in_channels, side, side], batch)?;
        Ok::<_, Failure>((Step::new(&config.into(), side, batch)?, batch))
    };
    let (mut step, batch) = match &args.model[..] {
        "small" => named(UNetConfig::small(), 28, batch(64))?,
        "cifar" => named(UNetConfig::cifar(), 32, batch(8))?,
        path => {
            let model = open(Path::new(path), false, console)?;
            check_steps(model.network_config(), model.shape(), batch(64))?;
            (Step::of_model(model, batch(64))?, batch(64))
        }
    };
    step = step.with_precision(args.precision.into());
    let (mut progress, runs) = (Progress::new(console), args.runs as usize);
    let mut measurement = step.measure(runs);
    for (share, done) in measurement.by_ref().zip(1..) {
        progress.update(share?, || format!("run {done} of {}", 2 * runs));
    }
    let times = measurement.times();
    progress.finish();
    let ms = |x: f64| (10.0 * x).round() / 10.0;
    let measured = Measured {
        model: &args.model,
        params: step.num_parameters(),
        batch,
        threads: rayon::current_num_threads(),
        train_ms: ms(times.train_ms),
        forward_ms: ms(times.forward_ms),
        peak_rss_mib: memory::peak_rss_mib(),
    };
    console.print(format!(
        "{}, batch {batch}, {}: a training step {} ms, a forward pass {} ms, {} MiB at most",
        measured.model,
        counted(measured.threads, "thread"),
        measured.train_ms,
        measured.forward_ms,
        measured.peak_rss_mib
    ))?;
    console.result(&measured)
}

/// The convolutions of the networks that the program is measured on, at the batches they are measured with.
fn measured_layers() -> Result<Vec<Layer>> {
    let mut all = layers(&UNetConfig::small(), 28, 64)?;
    all.extend(layers(&UNetConfig::cifar(), 32, 8)?);
    Ok(all.into_iter().map(|(layer, _)| layer).collect())
}

fn gemm(args: &ProductsArgs, console: Console) -> Result<()> {
    let mut shapes: Vec<[usize; 3]> = [128, 256, 512, 1024, 2048].map(|n| [n; 3]).to_vec();
    for layer in measured_layers()? {
        if !shapes.contains(&layer.product()) {
            shapes.push(layer.product());
        }
    }
    let precision = args.precision.into();
    measure(&args.rates, console, shapes, |shape, peak| Ok(vec![product_rates(shape, precision, peak)?]))
}

fn conv(args: &RatesArgs, console: Console) -> Result<()> {
    measure(args, console, measured_layers()?, |layer, peak| Ok(convolution_rates(&layer, peak)?.to_vec()))
}

/// Prints each rate when it is measured, and at the end all as JSON; draws them into `--out`.
fn measure<T>(
    args: &RatesArgs,
    console: Console,
    work: Vec<T>,
    rates: impl Fn(T, f64) -> Result<Vec<Rate>>,
) -> Result<()> {
    if let Some(out) = &args.out {
        output::claim_file(out, "--out")?;
    }
    let (peak, bandwidth) = (peak_gflops(), memory_gbytes());
    let threads = rayon::current_num_threads();
    console.print(format!(
        "peak of {}: {peak:.0} GFLOP/s; memory: {bandwidth:.0} GB/s",
        counted(threads, "thread")
    ))?;
    console.print(format!("{:>7} {:>8} {:>8}", "GFLOP/s", "of peak", "of roof"))?;
    let mut all = Vec::new();
    for shape in work {
        for rate in rates(shape, peak)? {
            console.print(format!(
                "{:>7.1} {:>7.0}% {:>7.0}%  {}",
                rate.gflops,
                100.0 * rate.fraction,
                100.0 * rate.gflops / rate.roof_gflops(bandwidth),
                rate.shape
            ))?;
            all.push(rate);
        }
    }
    if let Some(out) = &args.out {
        output::write(out, roofline::draw(&all, peak, bandwidth, threads).as_bytes())?;
    }
    console.result(&all)
}
