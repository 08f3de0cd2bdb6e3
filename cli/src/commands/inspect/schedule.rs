//! `tweedie inspect schedule`: schedules side by side.

use super::results::{digits, write_charts};
use crate::args::InspectScheduleArgs;
use crate::console::Console;
use crate::error::{Failure, Result};
use crate::output;
use crate::report::{Chart, Document, Series};
use serde::Serialize;
use tweedie_diffusion::{Schedule, ScheduleConfig, ScheduleKind, VarianceKind};

/// What `--json` prints.
#[derive(Debug, Serialize)]
struct Schedules {
    timesteps: usize,
    schedules: Vec<Table>,
}

/// A schedule at every t, counted from 1.
#[derive(Debug, Serialize)]
struct Table {
    schedule: &'static str,
    beta: Vec<f64>,
    alpha_bar: Vec<f64>,
    log_snr: Vec<f64>,
    posterior_variance: Vec<f64>,
    lambda_fixed_small: Vec<f64>,
    lambda_fixed_large: Vec<f64>,
}

/// Prints and draws the schedules.
///
/// # Errors
/// A schedule that does not exist; a file that cannot be written.
pub(super) fn schedule(args: &InspectScheduleArgs, console: Console) -> Result<()> {
    if let Some(kind) = repeated(&args.schedule) {
        return Err(Failure::user(
            format!("{kind} is asked for twice"),
            "--schedule",
            "name each family once",
        ));
    }
    if let Some(out) = &args.out {
        output::claim_file(out.path(), "--out")?;
    }
    let tables = args.schedule.iter().map(|&kind| Ok(Table::new(kind, &build(kind, args.timesteps)?)));
    let schedules = Schedules { timesteps: args.timesteps, schedules: tables.collect::<Result<_>>()? };
    for table in &schedules.schedules {
        table.print(console)?;
    }
    if let Some(out) = &args.out {
        write_charts(out, &schedules.document(), console)?;
    }
    console.result(&schedules)
}

/// The schedule of a family that the command line names.
pub(super) fn build(kind: ScheduleKind, timesteps: usize) -> Result<Schedule> {
    let config = ScheduleConfig { kind, timesteps, ..ScheduleConfig::default() };
    config.build().map_err(|error| {
        Failure::user(error.to_string(), format!("--schedule {kind} --timesteps {timesteps}"), "give others")
    })
}

fn repeated(kinds: &[ScheduleKind]) -> Option<ScheduleKind> {
    kinds.iter().enumerate().find(|(i, kind)| kinds[..*i].contains(kind)).map(|(_, kind)| *kind)
}

impl Table {
    fn new(kind: ScheduleKind, schedule: &Schedule) -> Table {
        let over = |f: &dyn Fn(usize) -> f64| (0..schedule.num_timesteps()).map(f).collect();
        Table {
            schedule: kind.name(),
            beta: schedule.betas().to_vec(),
            alpha_bar: schedule.alphas_cumprod().to_vec(),
            log_snr: over(&|t| schedule.log_snr(t)),
            posterior_variance: over(&|t| schedule.posterior_variance(t)),
            lambda_fixed_small: over(&|t| schedule.lambda(t, VarianceKind::FixedSmall)),
            lambda_fixed_large: over(&|t| schedule.lambda(t, VarianceKind::FixedLarge)),
        }
    }

    /// A row for every tenth of t.
    fn print(&self, console: Console) -> Result<()> {
        let last = self.beta.len();
        console.print(format!("{}, T = {last}", self.schedule))?;
        // The tilde takes no column.
        console
            .print(format!("{:>9} {:>11} {:>11} {:>10} {:>12} {:>11}", "t", "β", "ᾱ", "ln SNR", "β̃", "λ"))?;
        let mut times: Vec<usize> = [1].into_iter().chain((1..=10).map(|i| (i * last / 10).max(1))).collect();
        times.dedup();
        for t in times {
            let i = t - 1;
            console.print(format!(
                "{t:>9} {:>11} {:>10} {:>10.4} {:>11} {:>11}",
                digits(self.beta[i]),
                digits(self.alpha_bar[i]),
                self.log_snr[i],
                digits(self.posterior_variance[i]),
                digits(self.lambda_fixed_small[i])
            ))?;
        }
        console.print("")
    }
}

impl Schedules {
    fn document(&self) -> Document {
        let chart = |title, log, of: fn(&Table) -> &[f64]| Chart {
            title,
            across: "t / T",
            log,
            series: self.schedules.iter().map(|table| series(table, of(table))).collect(),
            ..Chart::default()
        };
        Document {
            title: format!("Schedules of {} steps", self.timesteps),
            charts: vec![
                chart("ᾱ, the share of the picture's variance that is left", false, |table| {
                    &table.alpha_bar
                }),
                chart("ln SNR", false, |table| &table.log_snr),
                chart("β, the variance that a step adds", true, |table| &table.beta),
                chart("β̃, the posterior's variance", true, |table| &table.posterior_variance),
                chart("λ with σ² = β̃, the bound's weight of the noise", true, |table| {
                    &table.lambda_fixed_small
                }),
            ],
            ..Document::default()
        }
    }
}

fn series(table: &Table, values: &[f64]) -> Series {
    let last = values.len() as f64;
    let points = values.iter().enumerate().map(|(i, &y)| ((i + 1) as f64 / last, y)).collect();
    Series { name: Some(table.schedule.replace('_', "-")), points, ..Series::default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_counts_from_one_and_ends_with_the_schedule() -> Result<()> {
        let table = Table::new(ScheduleKind::Linear, &build(ScheduleKind::Linear, 1000)?);
        assert!((table.alpha_bar[499] - 0.0785872429).abs() < 1e-10);
        assert!((table.posterior_variance[1] / 5.45318766e-5 - 1.0).abs() < 1e-8);
        assert!((table.lambda_fixed_large[1] / 0.272692084 - 1.0).abs() < 1e-8);
        assert!(table.lambda_fixed_small[0].is_infinite());
        Ok(())
    }
}
