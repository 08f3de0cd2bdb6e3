use super::{Asked, Desk, Watch, batch};
use crate::args::InvertArgs;
use crate::commands::noise;
use crate::console::Console;
use crate::error::Result;
use crate::output;
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
    let desk = Desk::new(&args.common, seed, console)?;
    let picture = batch(&desk.picture(&args.image)?)?;
    let sampling = desk.inversion(&args.inversion)?;
    let condition = desk.condition(1)?;
    desk.claim()?;
    if let Some(raw) = &args.raw {
        output::claim_file(raw, "--raw")?;
    }

    let mut watch = Watch::new(console, 2);
    let iterations = args.inversion.iterations;
    let x_t = desk.in_parts(&mut watch, (1, &condition), &sampling, |request, watch| {
        edit::invert(&desk.model, request, &picture, iterations as usize, watch)
    })?;
    let back = desk.in_parts(&mut watch, (1, &condition), &sampling, |request, watch| {
        edit::reconstruct(&desk.model, request, &x_t, watch)
    })?;
    let seconds = watch.finish();
    let RoundTrip { difference, rms, max, noise_rms } = RoundTrip::of(&picture, &x_t, &back)?;
    if let Some(raw) = &args.raw {
        noise::write(raw, x_t.as_slice(), desk.model.shape())?;
    }
    let stretch = if max > 0.0 { 1.0 / max } else { 1.0 };
    console.say(format!(
        "there and back in {seconds:.1} s: error {rms:.3e} (root mean square; black to white is 2), {max:.3e} at most"
    ));
    console.say(format!("x_T has a root mean square of {noise_rms:.4}; noise has 1"));
    desk.hang(&[&picture, &ops::scale(x_t, 1.0 / 3.0), &back, &ops::scale(difference, stretch)], 4)?;
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
        asked: desk.asked(&condition),
    })
}
