use super::{PictureFile, PicturesArgs};
use clap::Args;
use tweedie_diffusion::ScheduleKind;

/// The noising of pictures, step by step; and beneath it what becomes of them without the root
///
/// Each column is a time: x_t = √ᾱ_t x_0 + √(1−ᾱ_t) ε. Beneath stands the chain that popular notes print, whose step
/// multiplies by 1 − β_t and not by its root, with the same ε: its picture fades too soon, and its noise does not reach variance
/// 1. The table gives the variance of x_t for pictures of variance 1.
#[derive(Debug, Args)]
#[command(
    group = clap::ArgGroup::new("what").required(true).args(["data", "image"]),
    after_help = "Examples:
  tweedie inspect forward --data glyphs --out forward.png
  tweedie inspect forward --image cat.jpg --image-size 128 --schedule cosine --out cat.png
  tweedie inspect forward --data shapes --t 1,10,100,1000 --json"
)]
pub(crate) struct InspectForwardArgs {
    #[command(flatten)]
    pub(crate) pictures: PicturesArgs,
    /// How many pictures of the data, drawn by the seed
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=64))]
    pub(crate) n: u32,
    /// linear, scaled-linear, cosine, sigmoid, laplace, edm or rectified-flow
    #[arg(long, value_name = "KIND", default_value = "linear")]
    pub(crate) schedule: ScheduleKind,
    /// T, the number of steps
    #[arg(long, value_name = "T", default_value_t = 1000)]
    pub(crate) timesteps: usize,
    /// Times to show, from 1 to T [default: eight over the whole of it]
    #[arg(long, value_name = "T[,T…]", value_delimiter = ',')]
    pub(crate) t: Vec<usize>,
    /// FILE.png: the strip; FILE.html: a page with it
    #[arg(long, value_name = "FILE", value_parser = PictureFile::parse)]
    pub(crate) out: Option<PictureFile>,
}
