use super::editing::{Asked, Editing, batch};
use crate::args::VaryArgs;
use crate::console::Console;
use crate::counted::counted;
use crate::error::{Failure, Result};
use crate::interrupt::Interrupt;
use crate::painting::Painter;
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
        return Err(Failure::user(
            format!("{strength} is out of range"),
            "--strength",
            "give a number from 0 to 1",
        ));
    }
    let editing = Editing::new(&args.common, seed, console)?;
    let picture = editing.picture(&args.image)?;
    let sampling = editing.sampling(&args.sampler)?;
    let n = args.n as usize;
    let condition = editing.condition(n)?;
    editing.claim_output()?;

    let original = batch(&picture)?;
    let mut rows = Vec::new();
    let interrupt = Interrupt::listen(console, "stopping");
    let mut painter = Painter::new(console, interrupt, args.strength.len());
    for &strength in &args.strength {
        rows.push(original.clone());
        rows.push(editing.paint(&mut painter, (n, &condition), &sampling, |request| {
            Ok(edit::vary(&editing.model, request, &picture, strength)?)
        })?);
    }
    let seconds = painter.finish().as_secs_f64();
    let variations = counted(n, "variation");
    console.say(format!("painted {variations} of each strength in {seconds:.1} s"));
    editing.write(&rows.iter().collect::<Vec<_>>(), n + 1)?;
    console.result(&Varied {
        model: &args.common.model,
        n,
        strength: &args.strength,
        steps: sampling.steps,
        seconds,
        out: &args.common.out,
        asked: editing.asked(&condition),
    })
}
