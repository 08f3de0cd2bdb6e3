use clap::Args;
use std::path::PathBuf;

/// The checkpoints of a run: each is read whole and held against its checksums
///
/// Says of each whether it is whole, and if not, what is wrong with it; which is the newest whole one, from which --resume goes
/// on, and which is the best, by its last loss on pictures held out, or that of training where none are. Exit status 1 if none
/// is whole.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  tweedie inspect run runs/glyphs
  tweedie inspect run runs/glyphs --json | jq '.newest_whole'")]
pub(crate) struct InspectRunArgs {
    /// A run directory
    #[arg(value_name = "DIR")]
    pub(crate) run: PathBuf,
}
