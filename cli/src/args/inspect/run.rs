use super::ChartFile;
use clap::Args;
use std::path::PathBuf;

/// A run: its checkpoints, each read whole and held against its checksums, and its curves
///
/// Says of each whether it is whole, and if not, what is wrong with it; which is the newest whole one, from which --resume goes
/// on, and which is the best, by its last loss on pictures held out, or that of training where none are. Exit status 1 if none
/// is whole. Then what the run measured on the way, a line each: its first value, a curve, its last value. Losses and gradient norms
/// are drawn by their logarithms.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  tweedie inspect run runs/glyphs
  tweedie inspect run runs/glyphs --out curves.svg
  tweedie inspect run runs/glyphs --json | jq '.checkpoints[] | {step, weights_digest}'")]
pub(crate) struct InspectRunArgs {
    /// A run directory
    #[arg(value_name = "DIR")]
    pub(crate) run: PathBuf,
    /// FILE.svg: the curves as a drawing; FILE.html: a page with figures and curves
    #[arg(long, value_name = "FILE", value_parser = ChartFile::parse)]
    pub(crate) out: Option<ChartFile>,
}
