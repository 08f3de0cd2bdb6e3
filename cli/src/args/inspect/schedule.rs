use super::ChartFile;
use clap::Args;
use tweedie_diffusion::ScheduleKind;

/// Schedules of noise side by side: β, ᾱ, ln SNR, the posterior's variance β̃, and the weight λ of the bound
///
/// The table has a row for every tenth of t; --json has every t, counted from 1 as the papers do. λ is computed with σ² = β̃; it is
/// infinite at t = 1, which the bound treats apart, and null in JSON. End points of the linear families are scaled by 1000 / T.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  tweedie inspect schedule
  tweedie inspect schedule --schedule linear,cosine,sigmoid --timesteps 4000
  tweedie inspect schedule --schedule cosine,edm --out schedules.svg
  tweedie inspect schedule --schedule linear --json | jq '.schedules[0].alpha_bar[499]'")]
pub(crate) struct InspectScheduleArgs {
    /// linear, scaled-linear, cosine, sigmoid, laplace, edm or rectified-flow
    #[arg(long, value_name = "KIND[,KIND…]", value_delimiter = ',', default_value = "linear,cosine")]
    pub(crate) schedule: Vec<ScheduleKind>,
    /// T, the number of steps
    #[arg(long, value_name = "T", default_value_t = 1000)]
    pub(crate) timesteps: usize,
    /// FILE.svg: charts over t; FILE.html: a page of them
    #[arg(long, value_name = "FILE", value_parser = ChartFile::parse)]
    pub(crate) out: Option<ChartFile>,
}
