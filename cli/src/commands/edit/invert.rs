use super::editing::{Asked, Editing, batch};
use crate::args::InvertArgs;
use crate::commands::noise;
use crate::console::Console;
use crate::error::Result;
use crate::interrupt::Interrupt;
use crate::output;
use crate::painting::Painter;
use serde::Serialize;
use std::path::Path;
use tweedie_tensor::ops;
use tweedie_train::model::edit::{self, RoundTrip};

/// What `--json` prints.
#[derive(Debug, Serialize)]
struct Inverted<'a> {
    model: &'a Path,
    steps: usize,
    iterations: u32,
    rms_error: f64,
    max_error: f64,
    noise_rms: f64,
    seconds: f64,
    out: &'a Path,
    raw: Option<&'a Path>,
    #[serde(flatten)]
    asked: Asked<'a>,
}

/// Finds the noise that a picture comes from, and measures how well the picture comes back.
///
/// # Errors
/// Whatever the user can mend; [`Failure::Interrupted`](crate::error::Failure::Interrupted) on Ctrl-C.
pub(super) fn invert(args: &InvertArgs, seed: u64, console: Console) -> Result<()> {
    let editing = Editing::new(&args.common, seed, console)?;
    let picture = batch(&editing.picture(&args.image)?)?;
    let sampling = editing.inversion(&args.inversion)?;
    let condition = editing.condition(1)?;
    editing.claim_output()?;
    if let Some(raw) = &args.raw {
        output::claim_file(raw, "--raw")?;
    }

    let interrupt = Interrupt::listen(console, "stopping");
    let mut painter = Painter::new(console, interrupt, 2);
    let iterations = args.inversion.iterations;
    let x_t = editing.paint(&mut painter, (1, &condition), &sampling, |request| {
        Ok(edit::invert(&editing.model, request, &picture, iterations as usize)?)
    })?;
    let back = editing.paint(&mut painter, (1, &condition), &sampling, |request| {
        Ok(edit::reconstruct(&editing.model, request, &x_t)?)
    })?;
    let seconds = painter.finish().as_secs_f64();
    let RoundTrip { difference, rms, max, noise_rms } = RoundTrip::of(&picture, &x_t, &back)?;
    if let Some(raw) = &args.raw {
        noise::write(raw, x_t.as_slice(), editing.model.shape())?;
    }
    let stretch = if max > 0.0 { 1.0 / max } else { 1.0 };
    console.say(format!(
        "there and back in {seconds:.1} s: error {rms:.3e} (root mean square; black to white is 2), {max:.3e} at most"
    ));
    console.say(format!("x_T has a root mean square of {noise_rms:.4}; noise has 1"));
    editing.write(&[&picture, &ops::scale(x_t, 1.0 / 3.0), &back, &ops::scale(difference, stretch)], 4)?;
    if let Some(raw) = &args.raw {
        console.say(format!("x_T in {}", raw.display()));
    }
    console.result(&Inverted {
        model: &args.common.model,
        steps: sampling.steps,
        iterations,
        rms_error: rms,
        max_error: max,
        noise_rms,
        seconds,
        out: &args.common.out,
        raw: args.raw.as_deref(),
        asked: editing.asked(&condition),
    })
}
