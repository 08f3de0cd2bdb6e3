//! `tweedie inspect run`: whether the checkpoints of a run are whole.

use super::results::digits;
use crate::args::InspectRunArgs;
use crate::console::Console;
use crate::error::{Failure, Result};
use crate::report::grouped;
use tweedie_train::{Condition, inspect_run};

/// Reads all checkpoints of a run, and says what they are like.
///
/// # Errors
/// No run; a run without a checkpoint that is whole.
pub(super) fn run(args: &InspectRunArgs, console: Console) -> Result<()> {
    let inspected = inspect_run(&args.run)?;
    console.print(format!(
        "{:>10} {:>9} {:>10} {:>10} {:>9}  state",
        "step", "MiB", "loss", "validation", "seconds"
    ))?;
    for condition in &inspected.checkpoints {
        let newest = (inspected.newest_whole == Some(condition.step)).then_some("newest whole");
        let best = (inspected.best == Some(condition.step)).then_some("best");
        let state = [Some(state(condition).as_str()), newest, best]
            .into_iter()
            .flatten()
            .collect::<Vec<_>>()
            .join(", ");
        let number = |value: Option<f64>| value.map_or("-".to_string(), digits);
        console.print(format!(
            "{:>10} {:>9.1} {:>10} {:>10} {:>9}  {state}",
            grouped(condition.step),
            condition.bytes as f64 / f64::from(1 << 20),
            number(condition.loss),
            number(condition.validation),
            condition.seconds.map_or("-".to_string(), |seconds| format!("{seconds:.0}")),
        ))?;
    }
    for change in &inspected.changes {
        console.print(change.to_string())?;
    }
    if let Some(owner) = &inspected.held_by {
        console.print(format!("process {} on {} trains there", owner.pid, owner.host))?;
    }
    for path in &inspected.leftovers {
        console.print(format!(
            "half-written by a process that is gone: {} (--resume removes it)",
            path.display()
        ))?;
    }
    console.result(&inspected)?;
    match inspected.newest_whole {
        Some(_) => Ok(()),
        None => Err(Failure::user(
            "no checkpoint is whole",
            args.run.display().to_string(),
            "put a whole one there, or train again with another --out",
        )),
    }
}

fn state(condition: &Condition) -> String {
    match (&condition.problem, condition.has_checksums) {
        (Some(problem), _) => problem.clone(),
        (None, true) => "whole".to_string(),
        (None, false) => "whole in form, without checksums".to_string(),
    }
}
