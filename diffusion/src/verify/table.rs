use super::case::Case;
use super::reference::Reference;
use super::row::Row;
use super::subject::Subject;
use super::{bound, chain, frequencies, predictions, samplers};
use crate::{Error, Result, ScheduleConfig, ScheduleKind};

/// The fewest steps of a schedule that has every row.
pub const MIN_TIMESTEPS: usize = 10;

/// The table for a family of schedules at T steps, a few seconds of work at T = 1000.
///
/// # Errors
/// [`Error::Parameter`] when T is below [`MIN_TIMESTEPS`] or the family has no formula; [`Error::Beta`] when the
/// family has no schedule of so few steps; what a faulty subject refuses.
pub fn verify(subject: &dyn Subject, kind: ScheduleKind, timesteps: usize) -> Result<Vec<Row>> {
    if timesteps < MIN_TIMESTEPS {
        let why = format!("must be {MIN_TIMESTEPS} or more, for every row to be there");
        return Err(Error::parameter("verify", "timesteps", timesteps, why));
    }
    if kind == ScheduleKind::Betas {
        let why = "betas have no formula to be held against";
        return Err(Error::parameter("verify", "schedule", kind.name(), why));
    }
    let schedule = subject.schedule(&ScheduleConfig { kind, timesteps, ..ScheduleConfig::default() })?;
    let case = Case { subject, kind, schedule, reference: Reference::new(kind, timesteps), timesteps };
    let parts = [chain::rows, predictions::rows, bound::rows, samplers::rows, frequencies::rows];
    parts.into_iter().try_fold(Vec::new(), |mut table, rows| {
        table.extend(rows(&case)?);
        Ok(table)
    })
}
