//! `tweedie bench reduce`: a sum over all ranks of a job.

use crate::args::ReduceArgs;
use crate::console::Console;
use crate::error::{Failure, Result};
use crate::ranks;
use serde::Serialize;
use tweedie_train::Error;
use tweedie_train::cluster::Collective;
use tweedie_train::config::GradientPrecision;
use tweedie_train::measure::bench;

/// What `--json` prints.
#[derive(Debug, Serialize)]
struct Measured {
    ranks: usize,
    mib: u32,
    reduce_ms: f64,
}

/// Measures. Rank 0 prints.
///
/// # Errors
/// One process alone; a rank that is lost or has failed.
pub(super) fn reduce(args: &ReduceArgs, console: Console) -> Result<()> {
    let mut team = ranks::team(&args.ranks, console)?;
    if team.size() == 1 {
        return Err(Failure::user(
            "one process alone has nothing to sum",
            "bench reduce",
            "start several, as with tweedie launch --ranks 2 -- bench reduce",
        ));
    }
    let precision = if args.bf16 { GradientPrecision::Bf16 } else { GradientPrecision::F32 };
    let least = bench::reduce(&mut team, args.mib as usize, args.runs as usize, precision)?;
    team.end().map_err(Error::from)?;
    if team.rank() > 0 {
        return Ok(());
    }
    let reduce_ms = (1e4 * least.as_secs_f64()).round() / 10.0;
    let measured = Measured { ranks: team.size(), mib: args.mib, reduce_ms };
    console.print(format!("{} ranks: the sum of {} MiB in {reduce_ms} ms", measured.ranks, measured.mib))?;
    console.result(&measured)
}
