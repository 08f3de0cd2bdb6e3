use super::RealArgs;
use crate::args::SamplerArgs;
use clap::Args;
use std::path::PathBuf;

/// Whether a model paints the class that it is asked for, as the program's own classifier reads it
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  tweedie eval classes runs/glyphs
  tweedie eval classes runs/mnist --class 3 --guidance 2 --n 200 --json")]
pub(crate) struct ClassesArgs {
    /// A run directory, a checkpoint file, or a diffusers folder, of a class-conditional model
    #[arg(value_name = "MODEL")]
    pub(crate) model: PathBuf,
    /// How many pictures of each class are painted
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) n: u32,
    /// Class by name, or by number where no class has that name [default: all of them]; may be repeated
    #[arg(long, value_name = "K[,K…]", allow_hyphen_values = true)]
    pub(crate) class: Vec<String>,
    /// The weights as they are, not their moving average
    #[arg(long)]
    pub(crate) no_ema: bool,

    #[command(flatten)]
    pub(crate) real: RealArgs,
    #[command(flatten)]
    pub(crate) sampler: SamplerArgs,
}
