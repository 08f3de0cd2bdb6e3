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
    print(&table, console)?;
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

/// Columns of a row's name, and of its numbers: 80 in all, with the spaces between.
const NAME: usize = 36;
const NUMBER: usize = 17;
const TOLERANCE: usize = 7;

/// The table for a person.
fn print(table: &[Row], console: Console) -> Result<()> {
    for line in lines(table) {
        console.print(line)?;
    }
    let passed = table.iter().filter(|row| row.pass).count();
    console.print(format!("{passed} of {} rows pass", table.len()))
}

/// The table's lines. A name that is longer than its column takes several, with the numbers on the last.
fn lines(table: &[Row]) -> Vec<String> {
    let line = |name: &str, numbers: [&str; 3]| {
        let [expected, actual, tolerance] = numbers;
        let padding = " ".repeat(NAME.saturating_sub(columns(name)));
        format!("{name}{padding} {expected:>NUMBER$} {actual:>NUMBER$} {tolerance:>TOLERANCE$}")
    };
    let mut lines = vec![line("", ["expected", "actual", "within"])];
    for row in table {
        let name = if row.pass { row.name.clone() } else { format!("FAILS: {}", row.name) };
        let mut parts = wrapped(&name);
        let last = parts.pop().unwrap_or_default();
        lines.extend(parts);
        let numbers = [number(row.expected), number(row.actual), format!("{:.0e}", row.tolerance)];
        lines.push(line(&last, numbers.each_ref().map(String::as_str)));
    }
    lines
}

/// A name in lines of at most [`NAME`] columns, all but the first indented.
fn wrapped(name: &str) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in name.split(' ') {
        let line = lines.last().map_or("", String::as_str);
        if line.trim().is_empty() || columns(line) + 1 + columns(word) <= NAME {
            let space = if line.trim().is_empty() { "" } else { " " };
            let longer = format!("{line}{space}{word}");
            lines.pop();
            lines.push(longer);
        } else {
            lines.push(format!("  {word}"));
        }
    }
    lines
}

/// How many columns a text takes. Combining marks, as the tilde of β̃, take none.
fn columns(text: &str) -> usize {
    text.chars().filter(|c| !('\u{300}'..='\u{36f}').contains(c)).count()
}

/// Ten digits, with an exponent where the number is small or large.
fn number(x: f64) -> String {
    match x.abs() {
        0.0 => "0".to_string(),
        size if (1e-3..1.0).contains(&size) => format!("{x:.10}"),
        size if (1.0..1e6).contains(&size) => format!("{x:.*}", 9 - size.log10() as usize),
        _ => format!("{x:.9e}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_fits_into_eighty_columns_and_loses_no_word() {
        let name = "E|X_t(f)|² = ᾱ |X_0(f)|² + 1 − ᾱ at t = 1000, largest deviation over β̃";
        let rows = [
            Row::new(name.to_string(), -1.234567891e-300, -1.234567891e-300, 1e-300),
            Row::new("short".to_string(), 1.0, 2.0, 1e-12),
        ];
        let lines = lines(&rows);
        assert!(lines.iter().all(|line| columns(line) <= 80), "{lines:#?}");
        let text = lines.join(" ");
        assert!(name.split(' ').all(|word| text.contains(word)), "{text}");
        assert!(lines[1].starts_with("E|X_t(f)|² = ") && lines.len() == 4, "{lines:#?}");
        assert!(lines[3].starts_with("FAILS: short ") && lines[3].contains("2.000000000"), "{lines:#?}");
        assert_eq!([0.0, 0.5, 31.25].map(number), ["0", "0.5000000000", "31.25000000"]);
    }
}
