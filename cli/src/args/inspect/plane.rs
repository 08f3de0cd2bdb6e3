use super::ChartFile;
use crate::args::SplitName;
use clap::Args;
use std::path::PathBuf;
use tweedie_diffusion::SamplerKind;

/// A model of points beside the exact answer: densities over t, scores, and the ways that samplers take
///
/// Of a data set of points, q_t is a mixture of Gaussians, one for each point, so that density, score and best denoiser are known
/// at every t. The drawing has them over t, the score that the model has learnt beside them, and where samplers go from the same
/// noise under the one and the other. The tables have E‖s_θ − s‖² over t, and how far samples lie from fresh points: the sliced
/// Wasserstein distance, in standard deviations of the data, beside that of two sets of fresh points.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  tweedie inspect plane runs/moons
  tweedie inspect plane runs/moons --out moons.svg
  tweedie inspect plane runs/dino --samplers ddim,heun --steps 10 --out dino.html
  tweedie inspect plane runs/moons --json | jq '.samplers[] | {sampler, learnt, exact}'")]
pub(crate) struct InspectPlaneArgs {
    /// A run directory or a checkpoint file of a run of points
    #[arg(value_name = "RUN")]
    pub(crate) run: PathBuf,
    /// Samplers to compare
    #[arg(
        long,
        value_name = "NAME[,NAME…]",
        value_delimiter = ',',
        default_value = "ddpm,ddim,euler,heun,dpmpp-2m",
        value_parser = crate::args::sampler::sampler()
    )]
    pub(crate) samplers: Vec<SamplerKind>,
    /// Steps of each
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) steps: u32,
    /// Samples of each, and fresh points to compare them with; fewer if the data have fewer
    #[arg(long, value_name = "N", default_value_t = 500, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(crate) n: u32,
    /// The weights as they are, not their moving average
    #[arg(long)]
    pub(crate) no_ema: bool,
    /// The data, if they are not where the run found them
    #[arg(long, value_name = "DATA")]
    pub(crate) data: Option<String>,
    /// Which part the fresh points are of, where the data have parts
    #[arg(long, value_name = "SPLIT", default_value = "test")]
    pub(crate) split: SplitName,
    /// FILE.svg: the drawing; FILE.html: a page with it and the numbers
    #[arg(long, value_name = "FILE", value_parser = ChartFile::parse)]
    pub(crate) out: Option<ChartFile>,
}
