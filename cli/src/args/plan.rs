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
  tweedie plan --image-size 512 --batch 4 --no-measure
  tweedie plan --preset cifar --data shapes --batch 64 --ranks 16 --bandwidth 10Gbit"))]
pub(crate) struct PlanArgs {
    #[command(flatten)]
    pub(crate) train: TrainArgs,
    /// Run no step: no times are measured, and the result is there at once
    #[arg(long)]
    pub(crate) no_measure: bool,
    /// Predict the pace on 1, 2, 4, … machines like this one, up to N
    #[arg(long, value_name = "N", requires = "bandwidth", conflicts_with = "no_measure", value_parser = clap::value_parser!(u32).range(2..=65536))]
    pub(crate) ranks: Option<u32>,
    /// What joins them: 1Gbit, 10Gbit, 200Mbit
    #[arg(long, value_name = "RATE", requires = "ranks", value_parser = bandwidth)]
    pub(crate) bandwidth: Option<f64>,
    /// How long a message takes to arrive, in microseconds
    #[arg(long, value_name = "MICROSECONDS", default_value_t = 50.0, value_parser = latency)]
    pub(crate) latency: f64,
}

/// Bytes a second of a rate in bits, as `10Gbit`.
fn bandwidth(text: &str) -> Result<f64, String> {
    let units = [("gbit", 1e9), ("mbit", 1e6), ("kbit", 1e3)];
    let lower = text.to_lowercase();
    let rate = units
        .iter()
        .find_map(|(unit, scale)| Some(lower.strip_suffix(unit)?.trim().parse::<f64>().ok()? * scale));
    match rate {
        Some(rate) if rate.is_finite() && rate > 0.0 => Ok(rate / 8.0),
        _ => Err("write it as 10Gbit or 200Mbit".to_string()),
    }
}

fn latency(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(time) if time.is_finite() && time >= 0.0 => Ok(time),
        _ => Err("give a number of microseconds".to_string()),
    }
}
