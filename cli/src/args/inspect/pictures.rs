use crate::args::SplitName;
use clap::Args;
use std::path::PathBuf;

/// Which pictures are looked at.
#[derive(Debug, Args)]
#[command(next_help_heading = "Pictures")]
pub(crate) struct PicturesArgs {
    /// glyphs, shapes, scenes, or a folder of IDX files, CIFAR batches or pictures
    #[arg(long, value_name = "DATA")]
    pub(crate) data: Option<String>,
    /// One picture
    #[arg(long, value_name = "FILE", conflicts_with = "data")]
    pub(crate) image: Option<PathBuf>,
    /// Which part of the data, where it has parts
    #[arg(long, value_name = "SPLIT", default_value = "train", conflicts_with = "image")]
    pub(crate) split: SplitName,
    /// Resize and centre-crop pictures to N × N
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) image_size: Option<u32>,
    /// How pictures are read: data.convention=torchvision, data.transpose=true, data.coarse=true
    #[arg(long, value_name = "KEY=VALUE")]
    pub(crate) set: Vec<String>,
}
