use super::RealArgs;
use crate::args::{RanksArgs, SamplerArgs, SplitName};
use clap::Args;
use std::path::PathBuf;

/// How near a model's pictures are to real ones: Fréchet and kernel distance, precision and recall
///
/// Pictures are compared by features. A small classifier computes them, which the program trains on DATA in a minute or two
/// and keeps beside the model; or any network, given with --features and --description. The baseline is the
/// Fréchet distance that real pictures have in the place of the painted ones: no model can be expected to be below
/// it. All numbers depend on the features and on how many pictures there are: compare equal with equal.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  tweedie eval frechet runs/glyphs
  tweedie eval frechet runs/mnist --data data/mnist --n 5000 --sampler ddim --steps 20 --json
  tweedie eval frechet out/ --data data/mnist                          (pictures that are painted already)
  tweedie eval frechet runs/mnist --features net.safetensors --description net.json
  tweedie launch --ranks 4 -- eval frechet runs/glyphs                 (four ranks on this machine: the same bits)")]
pub(crate) struct FrechetArgs {
    /// A run directory, a checkpoint file, a diffusers folder; or a folder of pictures
    #[arg(value_name = "MODEL")]
    pub(crate) model: PathBuf,
    /// How many pictures are painted [default: 1000, or all of a folder]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) n: Option<u32>,
    /// Class by name, or by number where no class has that name: compares pictures of these classes alone; may be repeated
    #[arg(long, value_name = "K[,K…]", allow_hyphen_values = true)]
    pub(crate) class: Vec<String>,
    /// The weights as they are, not their moving average
    #[arg(long)]
    pub(crate) no_ema: bool,

    #[command(flatten)]
    pub(crate) real: RealArgs,
    /// Which part of the data the pictures are compared with
    #[arg(long, value_name = "SPLIT", default_value = "test", help_heading = "Real pictures")]
    pub(crate) split: SplitName,
    /// Features of a network of your own, not of the classifier: its weights
    #[arg(
        long,
        value_name = "FILE.safetensors",
        requires = "description",
        conflicts_with = "classifier",
        help_heading = "Features"
    )]
    pub(crate) features: Option<PathBuf>,
    /// What its layers are: a JSON list (see docs/metrics.md)
    #[arg(long, value_name = "FILE.json", requires = "features", help_heading = "Features")]
    pub(crate) description: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) sampler: SamplerArgs,
    #[command(flatten)]
    pub(crate) ranks: RanksArgs,
}
