use super::precision::PrecisionName;
use super::ranks::RanksArgs;
use clap::{Args, Subcommand};
use std::path::PathBuf;

/// Measure this machine against its own peak
///
/// Measure on an idle machine. The peak is what all threads together can multiply and add in registers; the
/// roof is the peak, or less where operands and results that no cache holds would take longer to come and go.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  tweedie bench step --model cifar
  tweedie bench step --model runs/mnist --batch 64 --threads 1
  tweedie bench step --model runs/transformer --precision bf16
  tweedie bench step --model cifar --by-operation
  tweedie bench save --model cifar
  tweedie bench save --model runs/mnist --out /mnt/runs --json
  tweedie launch --ranks 4 -- bench reduce --mib 64
  tweedie bench gemm --threads 1
  tweedie bench gemm --precision bf16
  tweedie bench conv --json
  tweedie bench conv --out roofline.svg")]
pub(crate) struct BenchArgs {
    #[command(subcommand)]
    pub(crate) what: BenchWhat,
}

/// What is measured.
#[derive(Debug, Subcommand)]
pub(crate) enum BenchWhat {
    /// A training step (forward, squared error, backward, AdamW) and a forward pass: the least of several
    Step(StepArgs),
    /// Saving a checkpoint (weights, average, two moments) with its checksums, until it is on the disk
    Save(SaveArgs),
    /// The sum of f32 numbers over all ranks of a job: the least of several
    Reduce(ReduceArgs),
    /// Products of f32 numbers: squares, and the products that the convolutions of both networks are
    Gemm(ProductsArgs),
    /// Every convolution of both networks, forward and both gradients, counted as the definition has it
    Conv(RatesArgs),
}

/// Which products.
#[derive(Debug, Args)]
pub(crate) struct ProductsArgs {
    /// Precision of the operands
    #[arg(long, value_name = "NAME", default_value = "f32")]
    pub(crate) precision: PrecisionName,
    #[command(flatten)]
    pub(crate) rates: RatesArgs,
}

/// What becomes of measured rates.
#[derive(Debug, Args)]
pub(crate) struct RatesArgs {
    /// Draw them as a roofline: each rate over its operations per byte, under what arithmetic and memory allow
    #[arg(long, value_name = "FILE.svg", value_parser = svg)]
    pub(crate) out: Option<PathBuf>,
}

/// The name of an SVG file.
pub(super) fn svg(name: &str) -> Result<PathBuf, String> {
    let path = PathBuf::from(name);
    match path.extension().is_some_and(|e| e.eq_ignore_ascii_case("svg")) {
        true => Ok(path),
        false => Err("the picture is an SVG file: give it a name that ends in .svg".into()),
    }
}

/// Which step.
#[derive(Debug, Args)]
pub(crate) struct StepArgs {
    /// small (3.9 million parameters, 28×28), cifar (35.7 million, 32×32), or a MODEL
    #[arg(long, value_name = "MODEL", default_value = "small")]
    pub(crate) model: String,
    /// Pictures a step [default: 64; for cifar 8]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=65536))]
    pub(crate) batch: Option<u32>,
    /// Precision of the operands of linear layers' products
    #[arg(long, value_name = "NAME", default_value = "f32")]
    pub(crate) precision: PrecisionName,
    /// Runs, of which the fastest counts
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) runs: u32,
    /// Where the time goes: each operation of a training step with its time, its share of the peak, and its bytes
    #[arg(long)]
    pub(crate) by_operation: bool,
}

/// Which state, and where it is saved.
#[derive(Debug, Args)]
pub(crate) struct SaveArgs {
    /// small (3.9 million parameters), cifar (35.7 million), or a MODEL
    #[arg(long, value_name = "MODEL", default_value = "small")]
    pub(crate) model: String,
    /// The folder to write into, made if need be; the files are removed [default: a new one in the current folder]
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Runs, of which the fastest and the median count
    #[arg(long, value_name = "N", default_value_t = 7, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) runs: u32,
}

/// How much is summed.
#[derive(Debug, Args)]
pub(crate) struct ReduceArgs {
    /// MiB of numbers that each rank has
    #[arg(long, value_name = "N", default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..=65536))]
    pub(crate) mib: u32,
    /// Runs, of which the fastest counts
    #[arg(long, value_name = "N", default_value_t = 9, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) runs: u32,
    /// Send numbers of 8 significant bits, as train.gradient_precision=bf16 does
    #[arg(long)]
    pub(crate) bf16: bool,
    #[command(flatten)]
    pub(crate) ranks: RanksArgs,
}
