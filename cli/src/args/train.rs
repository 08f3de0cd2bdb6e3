use super::duration;
use super::precision::PrecisionName;
use super::ranks::RanksArgs;
use clap::{Args, ValueEnum};
use std::path::PathBuf;
use std::time::Duration;
use tweedie_train::data::Split;

/// The presets, as the help of every command says them that takes one.
macro_rules! presets {
    () => {
        "Presets:
  digits       a UNet for grey pictures of up to about 32 × 32, learnt in minutes on two cores
  pictures     the same for small colour pictures
  transformer  a diffusion transformer for what `digits` is for
  captions     a UNet that reads captions, for `--data scenes`
  plane        a residual MLP for points of the plane, learnt in half a minute
  small        a UNet of 3.9 million parameters, trained as Ho et al. 2020 did
  cifar        the UNet of google/ddpm-cifar10-32, 35.7 million parameters, likewise\n\n"
    };
}
pub(super) use presets;

/// Train a model
///
/// Alone, it trains a small class-conditional model on `glyphs` for three minutes and leaves pictures of digits. What
/// is not given comes from the preset, or from the run that is resumed. The run directory holds config.toml,
/// metrics.jsonl, checkpoints/, samples/ and report.html.
#[derive(Debug, Args)]
#[command(after_help = concat!(presets!(), "Examples:
  tweedie train
  tweedie train --data data/mnist --out runs/mnist --time-budget 15m
  tweedie train --data photos/ --image-size 32 --steps 20000 --set optimizer.learning_rate=2e-4
  tweedie train --preset transformer --data data/mnist --precision bf16
  tweedie train --data photos/ --image-size 32 --tui
  tweedie train --data dino                                            (points of the plane, in half a minute)
  tweedie train --out runs/mnist --resume --time-budget 30m
  tweedie train --config runs/mnist/config.toml --out runs/again       (the same weights, bit for bit)
  tweedie launch --ranks 4 -- train --out runs/four --steps 200        (four ranks on this machine)
  srun tweedie train --out runs/many --steps 20000                     (all tasks of a Slurm job; TWEEDIE_SECRET is set)"))]
pub(crate) struct TrainArgs {
    /// glyphs, shapes, scenes; moons, swissroll, dino or checkerboard, points of the plane; a folder of IDX files, CIFAR batches
    /// or pictures; or a text file of two columns, points as well
    #[arg(long, value_name = "DATA", help_heading = "Pictures")]
    pub(crate) data: Option<String>,
    /// Which part of the data, where it has parts [default: train]
    #[arg(long, value_name = "SPLIT", help_heading = "Pictures")]
    pub(crate) split: Option<SplitName>,
    /// Resize and centre-crop pictures to N × N
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..), help_heading = "Pictures")]
    pub(crate) image_size: Option<u32>,

    /// The run directory [default: runs/ and the name of the data]
    #[arg(long, value_name = "DIR", help_heading = "Run")]
    pub(crate) out: Option<PathBuf>,
    /// Continue from the newest checkpoint of the run directory
    #[arg(long, help_heading = "Run")]
    pub(crate) resume: bool,
    /// With --resume, go on although the pictures are no longer those that the run has learnt from
    #[arg(long, requires = "resume", help_heading = "Run")]
    pub(crate) changed_data: bool,
    /// The last step, counted from the run's beginning
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..), help_heading = "Run")]
    pub(crate) steps: Option<u64>,
    /// How long the whole run takes, earlier sessions, grids and checkpoints included: 90s, 10m, 1h30m [default: 3m, points 25s]
    #[arg(long, value_name = "TIME", value_parser = duration::parse, help_heading = "Run")]
    pub(crate) time_budget: Option<Duration>,
    /// Steps between checkpoints
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..), help_heading = "Run")]
    pub(crate) checkpoint_every: Option<u64>,

    /// Watch the run on the whole terminal: curves, pictures, keys (`?` lists them)
    #[arg(long, help_heading = "Run")]
    pub(crate) tui: bool,
    /// How long the process lives on after a signal to end: says if a step and a checkpoint take longer
    #[arg(long, value_name = "TIME", value_parser = duration::parse, help_heading = "Run")]
    pub(crate) grace: Option<Duration>,

    /// A named recipe, see below [default: the one that suits the data]
    #[arg(long, value_name = "NAME", help_heading = "Recipe")]
    pub(crate) preset: Option<String>,
    /// A configuration, laid over the preset; every run directory has one
    #[arg(long, value_name = "FILE.toml", help_heading = "Recipe")]
    pub(crate) config: Option<PathBuf>,
    /// Set one key of the configuration, as in `--set optimizer.learning_rate=2e-4`; may be repeated
    #[arg(long, value_name = "KEY=VALUE", help_heading = "Recipe")]
    pub(crate) set: Vec<String>,
    /// Pictures a step
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..), help_heading = "Recipe")]
    pub(crate) batch: Option<u32>,
    /// Cut each batch into N equal parts, a power of two: N times less memory for the passes. The ranks of a job share them, and
    /// they fix the bits [default: the number of ranks, rounded up to a power of two]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..), help_heading = "Recipe")]
    pub(crate) shards: Option<u32>,

    /// Precision of the operands of linear layers' products [default: f32]
    #[arg(long, value_name = "NAME", help_heading = "Recipe")]
    pub(crate) precision: Option<PrecisionName>,

    #[command(flatten)]
    pub(crate) ranks: RanksArgs,
}

/// The parts of a data set by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum SplitName {
    /// What models learn from
    Train,
    /// What they are measured on
    Test,
}

impl From<SplitName> for Split {
    fn from(name: SplitName) -> Split {
        match name {
            SplitName::Train => Split::Train,
            SplitName::Test => Split::Test,
        }
    }
}
