//! `tweedie eval captions`: does the model paint what it is asked for?

use crate::args::CaptionsArgs;
use crate::commands::{open, pictures_at_a_time, sample::settings};
use crate::console::Console;
use crate::error::{Failure, Result};
use crate::interrupt::Interrupt;
use crate::progress::Progress;
use std::ops::ControlFlow;
use tweedie_train::measure;

/// Paints, reads, and says how often it was right.
///
/// # Errors
/// Whatever the user can mend; [`Failure::Interrupted`] on Ctrl-C.
pub(crate) fn captions(args: &CaptionsArgs, seed: u64, console: Console) -> Result<()> {
    let model = open(&args.model, !args.no_ema, console)?;
    let interrupt = Interrupt::listen(console, "stopping");
    let mut progress = Progress::new(console);
    let (n, at_a_time) = (args.n as usize, pictures_at_a_time(model.shape()));
    let sampling = settings(&args.sampler, &model)?;
    let score = measure::captions(&model, &sampling, n, at_a_time, seed, |share| {
        progress.update(share, || "painting".to_string());
        if interrupt.asked() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })?;
    progress.finish();
    let Some(score) = score else {
        return Err(Failure::Interrupted("not all pictures were painted".to_string()));
    };
    for (what, right) in [
        ("as many figures as asked for", score.count),
        ("the colours", score.colours),
        ("each shape in its colour", score.figures),
        ("the places", score.places),
        ("everything", score.all),
    ] {
        console.print(format!("{right:6} of {n}: {what}"))?;
    }
    console.result(&score)
}
