use super::{ChartFile, PicturesArgs};
use crate::args::SamplerArgs;
use clap::Args;
use std::path::PathBuf;
use tweedie_diffusion::ScheduleKind;

/// Pictures by their frequencies: which noise drowns first, and which a model paints first
///
/// Of data or a picture: the mean power of each ring of frequencies, measured in clean and in noisy pictures, beside
/// E|X_t(f)|² = ᾱ_t |X_0(f)|² + 1 − ᾱ_t; the frequency above which noise is the stronger, over t; and α of S(f) ∝ f^−α. Of a
/// model: the same along its sampler, with what it painted in the place of X_0, and for each ring the step after which x̂_0 stays
/// within --tolerance of its last value. Frequencies are in cycles a pixel.
#[derive(Debug, Args)]
#[command(
    group = clap::ArgGroup::new("what").required(true).args(["data", "image", "model"]),
    after_help = "Examples:
  tweedie inspect spectrum --data glyphs --out spectrum.svg
  tweedie inspect spectrum --image cat.jpg --schedule cosine
  tweedie inspect spectrum --model runs/glyphs --steps 50 --out order.svg
  tweedie inspect spectrum --data CIFAR_FOLDER --json | jq '.alpha, .alpha_std_error'"
)]
pub(crate) struct InspectSpectrumArgs {
    #[command(flatten)]
    pub(crate) pictures: PicturesArgs,
    /// A run directory, a checkpoint file, or a diffusers folder
    #[arg(long, value_name = "MODEL", conflicts_with_all = ["data", "image", "split", "image_size", "set"])]
    pub(crate) model: Option<PathBuf>,
    /// How many pictures, drawn by the seed [default: 1000 of data, 8 of a model]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub(crate) n: Option<u32>,

    /// linear, scaled-linear, cosine, sigmoid, laplace, edm or rectified-flow [default: linear]
    #[arg(long, value_name = "KIND", conflicts_with = "model", help_heading = "Noise")]
    pub(crate) schedule: Option<ScheduleKind>,
    /// T, the number of steps of the schedule [default: 1000]
    #[arg(long, value_name = "T", conflicts_with = "model", help_heading = "Noise")]
    pub(crate) timesteps: Option<usize>,

    /// How far from its last value a ring may be, as a share of it
    #[arg(long, value_name = "X", default_value_t = 0.1, help_heading = "Model")]
    pub(crate) tolerance: f64,
    /// Class by number or name: one for all pictures, or one each
    #[arg(long, value_name = "K[,K…]", value_delimiter = ',', help_heading = "Model")]
    pub(crate) class: Vec<String>,
    /// The weights as they are, not their moving average
    #[arg(long, requires = "model", help_heading = "Model")]
    pub(crate) no_ema: bool,
    #[command(flatten)]
    pub(crate) sampler: SamplerArgs,

    /// FILE.svg: charts; FILE.html: a page of them
    #[arg(long, value_name = "FILE", value_parser = ChartFile::parse, help_heading = "Output")]
    pub(crate) out: Option<ChartFile>,
}
