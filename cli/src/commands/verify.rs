//! `tweedie verify`: every closed form beside what this machine computes.

use crate::args::VerifyArgs;
use crate::console::Console;
use crate::error::{Failure, Result};
use crate::models::open;
use tweedie_diffusion::verify::{Program, Row, verify as closed_forms};
use tweedie_train::measure::verify::{embedding_rows, model_rows};

/// Computes the table, prints it, and fails if a row does.
///
/// # Errors
/// A schedule that does not exist, a MODEL that cannot be opened, a row that fails.
pub(crate) fn verify(args: &VerifyArgs, seed: u64, console: Console) -> Result<()> {
    let mut table = closed_forms(&Program, args.schedule, args.timesteps).map_err(|error| {
        let (schedule, timesteps) = (args.schedule, args.timesteps);
        Failure::user(
            error.to_string(),
            format!("--schedule {schedule} --timesteps {timesteps}"),
            "give others",
        )
    })?;
    table.extend(embedding_rows());
    if let Some(path) = &args.model {
        table.extend(model_rows(&open(path, !args.no_ema, console)?, seed)?);
    }
    tell(&table, console)?;
    console.result(&table)?;
    let failed = table.iter().filter(|row| !row.pass).count();
    match failed {
        0 => Ok(()),
        _ => Err(Failure::user(
            format!("{failed} of {} rows failed", table.len()),
            "verify",
            "do not trust what rests on them",
        )),
    }
}

/// The table for a person.
fn tell(table: &[Row], console: Console) -> Result<()> {
    let width = table.iter().map(|row| row.name.chars().filter(|&c| !is_mark(c)).count()).max().unwrap_or(0);
    console.print(format!("{:width$}  {:>17} {:>17}  {:>8}", "", "expected", "actual", "± at most"))?;
    for row in table {
        let marks = row.name.chars().filter(|&c| is_mark(c)).count();
        let verdict = if row.pass { "" } else { "  FAILS" };
        console.print(format!(
            "{:name$}  {:>17} {:>17}  {:>8.0e}{verdict}",
            row.name,
            number(row.expected),
            number(row.actual),
            row.tolerance,
            name = width + marks,
        ))?;
    }
    let passed = table.iter().filter(|row| row.pass).count();
    console.print(format!("{passed} of {} rows pass", table.len()))
}

/// Combining marks, as the tilde of β̃, take no column.
fn is_mark(c: char) -> bool {
    ('\u{300}'..='\u{36f}').contains(&c)
}

/// Ten digits, with an exponent where the number is small or large.
fn number(x: f64) -> String {
    match x.abs() {
        0.0 => "0".to_string(),
        size if (1e-3..1e6).contains(&size) => format!("{x:.10}"),
        _ => format!("{x:.9e}"),
    }
}
