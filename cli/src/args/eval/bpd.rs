use crate::args::{RanksArgs, SplitName};
use clap::{Args, ValueEnum};
use std::path::PathBuf;

/// How many bits a dimension the model needs for a picture: the variational bound, term by term
///
/// The bound is L_T + Σ L_{t−1} + L_0 (Ho et al. 2020, eq. 5): what it costs to send a picture of bytes with the model as
/// the code. Of each picture L_T is known in closed form, L_0 is computed, and from each of K runs of the other times
/// the term at one, drawn at random; the estimate is unbiased, and every number has its standard error. In the terms, t
/// counts from 0, which is L_0. `l_mid` includes `constant`, what a fixed variance costs whatever the network predicts.
///
/// --ode measures the same pictures a second way: by the density of the probability-flow ODE (Song et al. 2021).
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  tweedie eval bpd runs/glyphs
  tweedie eval bpd runs/mnist --data data/mnist --n 1000 --out terms.svg
  tweedie eval bpd runs/mnist --n 100 --timesteps-per-picture 999 --variance fixed-large --json
  tweedie eval bpd runs/mnist --n 64 --ode
  tweedie launch --ranks 4 -- eval bpd runs/mnist --n 1000     (four ranks on this machine: the same bits)")]
pub(crate) struct BpdArgs {
    /// A run directory, a checkpoint file, or a diffusers folder
    #[arg(value_name = "MODEL")]
    pub(crate) model: PathBuf,
    /// How many pictures, drawn by the seed; fewer if the data have fewer
    #[arg(long, value_name = "N", default_value_t = 256, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) n: u32,
    /// The weights as they are, not their moving average
    #[arg(long)]
    pub(crate) no_ema: bool,

    /// glyphs, shapes, scenes, or a folder of IDX files, CIFAR-10 batches or pictures [default: what a run learnt from]
    #[arg(long, value_name = "DATA", help_heading = "Pictures")]
    pub(crate) data: Option<String>,
    /// Which part of the data, where it has parts
    #[arg(long, value_name = "SPLIT", default_value = "test", help_heading = "Pictures")]
    pub(crate) split: SplitName,
    /// Resize and centre-crop pictures to N × N [default: as a run did]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..), help_heading = "Pictures")]
    pub(crate) image_size: Option<u32>,

    /// At how many times each picture is looked at, beside the last; T − 1 or more for all of them
    #[arg(long, value_name = "K", default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..), help_heading = "Bound")]
    pub(crate) timesteps_per_picture: u32,
    /// The variance of reverse steps, unless the model says it itself [default: the model's]
    #[arg(long, value_name = "NAME", help_heading = "Bound")]
    pub(crate) variance: Option<VarianceName>,
    /// Keep x̂_0 within ±X at every step, as samplers do; 0 leaves it alone
    #[arg(
        long,
        allow_negative_numbers = true,
        value_name = "X",
        default_value_t = 0.0,
        help_heading = "Bound"
    )]
    pub(crate) clip: f64,
    /// L_0 with published code's approximation of the normal distribution, for comparison with its figures
    #[arg(long, help_heading = "Bound")]
    pub(crate) tanh_decoder: bool,

    /// Measure the density of the probability-flow ODE as well
    #[arg(long, help_heading = "ODE")]
    pub(crate) ode: bool,
    /// Steps of its solver
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(2..), help_heading = "ODE")]
    pub(crate) ode_steps: u32,

    /// Draw the terms over t
    #[arg(long, value_name = "FILE.svg", value_parser = crate::args::bench::svg, help_heading = "Output")]
    pub(crate) out: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) ranks: RanksArgs,
}

/// The fixed variances by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum VarianceName {
    /// β̃, the variance of the posterior
    FixedSmall,
    /// β, the variance of the forward step
    FixedLarge,
}
