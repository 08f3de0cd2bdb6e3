use clap::Args;

/// Start several ranks on this machine
///
/// What stands after `--` is started once for each rank, with a secret and a port that they share. A rank that fails ends the
/// others. Only the first rank prints the result.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  tweedie launch --ranks 4 -- train --data shapes --out runs/four --steps 200
  tweedie launch --ranks 2 --restarts 3 -- train --out runs/four --resume     (starts again, at the newest checkpoint)
  tweedie launch --ranks 2 -- sample runs/glyphs --n 1000 --out out/")]
pub(crate) struct LaunchArgs {
    /// How many
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) ranks: u16,
    /// How often a job whose rank was lost is started again; `train`, with --resume
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) restarts: u32,
    /// A command of this program, as `train` and its options
    #[arg(last = true, required = true, value_name = "COMMAND")]
    pub(crate) command: Vec<std::ffi::OsString>,
}
