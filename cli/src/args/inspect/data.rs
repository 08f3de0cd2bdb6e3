use super::PicturePlace;
use crate::args::SplitName;
use clap::Args;

/// A data set: pictures, counts, brightness, spectrum
///
/// Pixels are counted as the network sees them, from −1 (black) to 1. alpha is the exponent of the spectrum, S(f) ∝ f^−α: 0 for
/// white noise, about 2 for photographs.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  tweedie inspect data glyphs --n 2000 --out glyphs.png
  tweedie inspect data glyphs --n 20 --out digits/        (a file each: digits/3/0000.png, …)
  tweedie inspect data photos/ --image-size 64 --out photos.html
  tweedie inspect data MNIST_FOLDER --split test --json")]
pub(crate) struct InspectDataArgs {
    /// glyphs, shapes, scenes, or a folder of IDX files, CIFAR batches or pictures
    #[arg(value_name = "DATA", required_unless_present = "named", conflicts_with = "named")]
    data: Option<String>,
    /// The same, as an option
    #[arg(long = "data", id = "named", value_name = "DATA")]
    named: Option<String>,
    /// Which part of the data, where it has parts
    #[arg(long, value_name = "SPLIT", default_value = "train")]
    pub(crate) split: SplitName,
    /// Resize and centre-crop pictures to N × N
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) image_size: Option<u32>,
    /// How pictures are read: data.convention=torchvision, data.transpose=true, data.coarse=true
    #[arg(long, value_name = "KEY=VALUE")]
    pub(crate) set: Vec<String>,
    /// Look at N pictures only, drawn by the seed [default: all]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) n: Option<u32>,
    /// FILE.png: a grid of pictures; FILE.html: a page with grid, counts and spectrum; DIR/: a PNG per picture, in a folder for
    /// each class if there are several
    #[arg(long, value_name = "FILE|DIR/", value_parser = PicturePlace::parse)]
    pub(crate) out: Option<PicturePlace>,
}

impl InspectDataArgs {
    /// The data set, however it was named.
    pub(crate) fn data(&self) -> &str {
        self.data.as_deref().or(self.named.as_deref()).unwrap_or_default()
    }
}
