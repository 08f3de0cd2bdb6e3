use crate::args::SamplerArgs;
use clap::Args;
use std::path::PathBuf;

/// How often the model paints what captions ask for
///
/// Paints captions of `scenes` that training never showed with these pictures, and reads colours, shapes and places off
/// the pictures by rule. Of pictures that the program draws itself, the rule reads at least 99 in 100 rightly.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  tweedie eval captions runs/scenes
  tweedie eval captions runs/scenes --n 1000 --json
  tweedie eval captions runs/scenes --guidance 4 --steps 20")]
pub(crate) struct CaptionsArgs {
    /// A run directory or a checkpoint file, trained with captions
    #[arg(value_name = "MODEL")]
    pub(crate) model: PathBuf,
    /// How many pictures
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) n: u32,
    /// The weights as they are, not their moving average
    #[arg(long)]
    pub(crate) no_ema: bool,

    #[command(flatten)]
    pub(crate) sampler: SamplerArgs,
}
