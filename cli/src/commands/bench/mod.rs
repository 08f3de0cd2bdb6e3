//! `tweedie bench`: this machine against its own peak.

mod reduce;
mod roofline;
mod save;
mod step;

use crate::args::{BenchWhat, ProductsArgs, RatesArgs};
use crate::console::Console;
use crate::counted::counted;
use crate::error::Result;
use crate::output;
use tweedie_nn::UNetConfig;
use tweedie_train::measure::bench::{
    Layer, Rate, convolution_rates, layers, memory_gbytes, peak_gflops, product_rates,
};

/// Measures.
///
/// # Errors
/// A MODEL that cannot be opened; a picture that cannot be written.
pub(crate) fn bench(what: &BenchWhat, console: Console) -> Result<()> {
    match what {
        BenchWhat::Step(args) => step::step(args, console),
        BenchWhat::Save(args) => save::save(args, console),
        BenchWhat::Reduce(args) => reduce::reduce(args, console),
        BenchWhat::Gemm(args) => gemm(args, console),
        BenchWhat::Conv(args) => conv(args, console),
    }
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
