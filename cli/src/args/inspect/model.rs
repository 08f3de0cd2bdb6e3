use super::ChartFile;
use clap::Args;
use std::path::PathBuf;

/// A network from inside: its layers with shapes, parameters, work and memory
///
/// The layers come from one forward pass of the network itself, in its order. FLOP counts the multiplications and additions of
/// convolutions, products and attention for one picture, by their definitions; kept is what the pass keeps in memory for the
/// backward pass, of one picture.
#[derive(Debug, Args)]
#[command(after_help = concat!(super::super::train::presets!(), "Examples:
  tweedie inspect model runs/glyphs
  tweedie inspect model --preset cifar --data shapes --out cifar.svg
  tweedie inspect model --config runs/mnist/config.toml --out mnist.html
  tweedie inspect model --preset digits --set model.layers_per_block=2 --blocks
  tweedie inspect model --preset transformer --json | jq '.layers[] | {name, flops}'"))]
pub(crate) struct InspectModelArgs {
    /// A run directory, a checkpoint file, or a diffusers folder
    #[arg(
        value_name = "MODEL",
        required_unless_present_any = ["preset", "config"],
        conflicts_with_all = ["preset", "config", "data", "set"]
    )]
    pub(crate) model: Option<PathBuf>,
    /// The network of a preset, see below, without a run
    #[arg(long, value_name = "NAME")]
    pub(crate) preset: Option<String>,
    /// The network of a configuration, laid over the preset
    #[arg(long, value_name = "FILE.toml")]
    pub(crate) config: Option<PathBuf>,
    /// Set one key of the configuration, as in `--set model.layers_per_block=3`; may be repeated
    #[arg(long, value_name = "KEY=VALUE")]
    pub(crate) set: Vec<String>,
    /// The pictures that the network is for, which give it channels, size and classes [default: those of the configuration]
    #[arg(long, value_name = "DATA")]
    pub(crate) data: Option<String>,
    /// Pictures of N × N
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=4096))]
    pub(crate) image_size: Option<u32>,
    /// Blocks only, not each layer
    #[arg(long)]
    pub(crate) blocks: bool,
    /// FILE.svg: the network as a drawing; FILE.html: a page with drawing and tables
    #[arg(long, value_name = "FILE", value_parser = ChartFile::parse)]
    pub(crate) out: Option<ChartFile>,
}
