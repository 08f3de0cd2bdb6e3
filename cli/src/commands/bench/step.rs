//! `tweedie bench step`: a training step and a forward pass, and where the time of a step goes.

use crate::args::{PrecisionName, StepArgs};
use crate::console::Console;
use crate::counted::counted;
use crate::error::{Failure, Result};
use crate::models::open;
use crate::progress::Progress;
use serde::Serialize;
use std::path::Path;
use tweedie_nn::UNetConfig;
use tweedie_train::measure::bench::{Operations, Step, peak_gflops};
use tweedie_train::memory;
use tweedie_train::plan::check_steps;

/// What `--json` prints.
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

/// What `--by-operation --json` prints.
#[derive(Debug, Serialize)]
struct MeasuredByOperation<'a> {
    model: &'a str,
    precision: PrecisionName,
    batch: usize,
    threads: usize,
    peak_gflops: f64,
    #[serde(flatten)]
    found: Operations,
}

/// Measures.
///
/// # Errors
/// A MODEL that cannot be opened.
pub(super) fn step(args: &StepArgs, console: Console) -> Result<()> {
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
    if args.by_operation {
        return by_operation(args, step, batch, console);
    }
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

fn by_operation(args: &StepArgs, mut step: Step, batch: usize, console: Console) -> Result<()> {
    let peak_gflops = peak_gflops();
    let found = step.by_operation(args.runs as usize)?;
    let threads = rayon::current_num_threads();
    console.print(format!(
        "{}, batch {batch}, {}: {:.1} ms a training step; the peak of f32 is {peak_gflops:.0} GFLOP/s",
        args.model,
        counted(threads, "thread"),
        found.step_ms
    ))?;
    console.print(format!(
        "{:>8} {:>7} {:>7} {:>8} {:>7} {:>6}  operation",
        "ms", "of step", "of peak", "MiB", "GB/s", "calls"
    ))?;
    let share = |ms: f64| 100.0 * ms / found.step_ms;
    for of in &found.operations {
        let of_peak = match of.gflops {
            0.0 => String::new(),
            gflops => format!("{:.0}%", 100.0 * gflops / peak_gflops),
        };
        let gbytes = of.mib * 1.048_576 / of.ms.max(f64::MIN_POSITIVE);
        console.print(format!(
            "{:>8.1} {:>6.1}% {of_peak:>7} {:>8.1} {gbytes:>7.1} {:>6}  {} {} {}",
            of.ms,
            share(of.ms),
            of.mib,
            of.calls,
            of.op,
            of.pass,
            of.operands
        ))?;
    }
    for (ms, name) in [(found.optimizer_ms, "the optimizer"), (found.elsewhere_ms, "elsewhere")] {
        console.print(format!("{ms:>8.1} {:>6.1}% {:>39}  {name}", share(ms), ""))?;
    }
    console.result(&MeasuredByOperation {
        model: &args.model,
        precision: args.precision,
        batch,
        threads,
        peak_gflops,
        found,
    })
}
