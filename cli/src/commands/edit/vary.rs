use super::{Asked, Desk, Watch, batch};
use crate::args::VaryArgs;
use crate::console::Console;
use crate::counted::counted;
use crate::error::{Failure, Result};
use serde::Serialize;
use std::path::Path;
use tweedie_train::model::edit;

/// What `--json` prints.
#[derive(Debug, Serialize)]
struct Varied<'a> {
    model: &'a Path,
    n: usize,
    strength: &'a [f64],
    steps: usize,
    seconds: f64,
    out: &'a Path,
    #[serde(flatten)]
    asked: Asked<'a>,
}

/// Paints variations of a picture, a row for each strength.
///
/// # Errors
/// Whatever the user can mend; [`Failure::Interrupted`] on Ctrl-C.
pub(super) fn vary(args: &VaryArgs, seed: u64, console: Console) -> Result<()> {
    if let Some(strength) = args.strength.iter().find(|x| !(0.0..=1.0).contains(*x)) {
        return Err(Failure::user(format!(
            "{strength} is out of range, --strength: give a number from 0 to 1"
        )));
    }
    let desk = Desk::new(&args.common, seed, console)?;
    let picture = desk.picture(&args.image)?;
    let sampling = desk.sampling(&args.sampler)?;
    let n = args.n as usize;
    let condition = desk.condition(n)?;
    desk.claim()?;

    let original = batch(&picture)?;
    let mut rows = Vec::new();
    let mut watch = Watch::new(console, args.strength.len());
    for &strength in &args.strength {
        rows.push(original.clone());
        rows.push(desk.in_parts(&mut watch, (n, &condition), &sampling, |request, watch| {
            edit::vary(&desk.model, request, &picture, strength, watch)
        })?);
    }
    let seconds = watch.finish();
    let variations = counted(n, "variation");
    console.say(format!("painted {variations} of each strength in {seconds:.1} s"));
    desk.hang(&rows.iter().collect::<Vec<_>>(), n + 1)?;
    console.result(&Varied {
        model: &args.common.model,
        n,
        strength: &args.strength,
        steps: sampling.steps,
        seconds,
        out: &args.common.out,
        asked: desk.asked(&condition),
    })
}
