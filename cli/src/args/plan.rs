use super::TrainArgs;
use clap::Args;

/// Say what a run needs before it begins
///
/// Parameters, work and memory of a step, the time that a step takes here, and when the run would be done. Takes the options
/// of `train`; nothing is written. `train` checks the memory itself, and refuses what does not fit.
#[derive(Debug, Args)]
#[command(after_help = concat!(super::train::presets!(), "Examples:
  tweedie plan
  tweedie plan --data photos/ --image-size 64 --batch 256 --time-budget 8h
  tweedie plan --preset cifar --data shapes --steps 100000 --json
  tweedie plan --image-size 512 --batch 4 --no-measure"))]
pub(crate) struct PlanArgs {
    #[command(flatten)]
    pub(crate) train: TrainArgs,
    /// Run no step: no times are measured, and the result is there at once
    #[arg(long)]
    pub(crate) no_measure: bool,
}
