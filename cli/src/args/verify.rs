use clap::Args;
use std::path::PathBuf;
use tweedie_diffusion::ScheduleKind;

/// Hold every formula against what this machine computes
///
/// A table of the closed forms of diffusion: what is expected, by formula, quadrature or recursion; what the program's own
/// code computes; and how far the two may be apart. With a MODEL, at its own schedule, also what must hold of the model.
/// Exits with 1 if a row fails.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  tweedie verify
  tweedie verify --schedule cosine --timesteps 4000
  tweedie verify runs/glyphs
  tweedie verify --json | jq '.[] | select(.pass | not)'")]
pub(crate) struct VerifyArgs {
    /// A run directory, a checkpoint file, or a diffusers folder
    #[arg(value_name = "MODEL")]
    pub(crate) model: Option<PathBuf>,
    /// linear, scaled-linear, cosine, sigmoid, laplace, edm or rectified-flow
    #[arg(long, value_name = "KIND", default_value = "linear")]
    pub(crate) schedule: ScheduleKind,
    /// T, the number of steps of the schedule
    #[arg(long, value_name = "T", default_value_t = 1000)]
    pub(crate) timesteps: usize,
    /// The model's weights as they are, not their moving average
    #[arg(long, requires = "model")]
    pub(crate) no_ema: bool,
}
