use clap::Args;
use std::path::PathBuf;

/// Run the network once
///
/// Prints its output for noisy pictures as it stands: the noise, the picture or the velocity, whichever the model
/// was trained to predict.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  tweedie predict runs/glyphs --noise x.safetensors --timesteps 500 --class 7 --raw y.safetensors
  tweedie predict diffusers-folder/ --noise x.safetensors --timesteps 1,57,999 --raw y.safetensors --json")]
pub(crate) struct PredictArgs {
    /// A run directory, a checkpoint file, or a diffusers folder
    #[arg(value_name = "MODEL")]
    pub(crate) model: PathBuf,
    /// Tensor `x` (n, c, h, w) of a file: the noisy pictures
    #[arg(long, value_name = "FILE.safetensors")]
    pub(crate) noise: PathBuf,
    /// Time step, as the network counts it: one for all pictures, or one each
    #[arg(
        long,
        allow_negative_numbers = true,
        value_name = "T[,T…]",
        value_delimiter = ',',
        required = true
    )]
    pub(crate) timesteps: Vec<f64>,
    /// Class by name, or by number where no class has that name: one for all pictures, or one each; may be repeated
    #[arg(long, value_name = "K[,K…]", allow_hyphen_values = true)]
    pub(crate) class: Vec<String>,
    /// Caption, in words that the model was trained with: one for all pictures, or repeated, one each
    #[arg(long, value_name = "WORDS")]
    pub(crate) caption: Vec<String>,
    /// The weights as they are, not their moving average
    #[arg(long)]
    pub(crate) no_ema: bool,
    /// Write tensor `x`, the network's output
    #[arg(long, value_name = "FILE.safetensors")]
    pub(crate) raw: Option<PathBuf>,
}
