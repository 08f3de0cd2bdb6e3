//! Every closed form beside what this machine computes, with a fault to plant.

use super::faults::{Fault, Faulty};
use super::formulas::formula;
use crate::error::{Failure, Result};
use serde::{Deserialize, Serialize};
use tweedie_diffusion::ScheduleKind;
use tweedie_diffusion::verify::{Row, verify};
use tweedie_train::measure::verify::embedding_rows;

/// Steps of a schedule at most: the table takes about as long as there are steps.
const MOST_STEPS: usize = 4000;

/// Which table.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Request {
    schedule: ScheduleKind,
    timesteps: usize,
    fault: Fault,
    /// How much of the fault, from 0 to 1.
    share: f64,
}

/// The table.
#[derive(Serialize)]
pub(super) struct Held {
    rows: Vec<Told>,
    failed: usize,
    faults: Vec<(Fault, &'static str)>,
}

/// A row, with the formula that it is about.
#[derive(Serialize)]
struct Told {
    #[serde(flatten)]
    row: Row,
    /// How far apart its numbers are, as a share of what they may be.
    apart: f64,
    /// In MathML.
    formula: Option<&'static str>,
}

/// Computes the table.
///
/// # Errors
/// A schedule that has none; a fault so gross that nothing can be computed with it.
pub(super) fn held(request: &Request) -> Result<Held> {
    let &Request { schedule, timesteps, fault, share } = request;
    if timesteps > MOST_STEPS {
        let what = format!("{timesteps} steps take too long for a page");
        return Err(Failure::user(what, "T", format!("give {MOST_STEPS} or fewer, or take: tweedie verify")));
    }
    if !(0.0..=1.0).contains(&share) {
        return Err(Failure::user(format!("{share} is no share"), "how much of the fault", "give 0 to 1"));
    }
    let mut table = verify(&Faulty { fault, share }, schedule, timesteps)?;
    table.extend(embedding_rows());
    let rows: Vec<Told> = table.into_iter().map(Told::new).collect();
    Ok(Held { failed: rows.iter().filter(|told| !told.row.pass).count(), rows, faults: Fault::ALL.to_vec() })
}

impl Told {
    fn new(row: Row) -> Told {
        let distance = (row.actual - row.expected).abs();
        let apart = if distance == 0.0 { 0.0 } else { distance / row.tolerance };
        Told { apart, formula: formula(&row.name), row }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_has_its_formula() {
        for schedule in ScheduleKind::FORMULAS {
            let held = held(&Request { schedule, timesteps: 100, fault: Fault::None, share: 0.0 }).unwrap();
            assert_eq!(held.failed, 0);
            for told in held.rows {
                assert!(told.formula.is_some(), "{}", told.row.name);
            }
        }
    }
}
