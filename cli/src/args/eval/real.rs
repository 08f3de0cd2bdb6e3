use clap::Args;
use std::path::PathBuf;

/// What the classifier learns, and where it is kept.
#[derive(Debug, Args)]
#[command(next_help_heading = "Real pictures")]
pub(crate) struct RealArgs {
    /// glyphs, shapes, scenes, or a folder of IDX files, CIFAR-10 batches or pictures [default: what a run learnt from]
    #[arg(long, value_name = "DATA")]
    pub(crate) data: Option<String>,
    /// Resize and centre-crop the data to N × N [default: as a run did]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) image_size: Option<u32>,
    /// The classifier: read from this file; trained and written there if it does not exist [default: beside the model]
    #[arg(long, value_name = "FILE.safetensors")]
    pub(crate) classifier: Option<PathBuf>,
}
