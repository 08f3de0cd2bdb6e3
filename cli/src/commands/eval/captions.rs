//! `tweedie eval captions`: whether the pictures show what their captions say.

use crate::args::CaptionsArgs;
use crate::commands::sampler_settings::settings;
use crate::console::Console;
use crate::error::Result;
use crate::interrupt::Interrupt;
use crate::models::open;
use crate::painting::{Painter, pictures_at_a_time};
use tweedie_train::measure::CaptionTest;
use tweedie_train::plan::check_pictures;

/// About how many bytes of each picture stay until the end: its caption.
const CAPTION: u64 = 256;

/// Paints, reads, and says how often it was right.
///
/// # Errors
/// Whatever the user can mend; [`Failure::Interrupted`](crate::error::Failure::Interrupted) on Ctrl-C.
pub(crate) fn captions(args: &CaptionsArgs, seed: u64, console: Console) -> Result<()> {
    let model = open(&args.model, !args.no_ema, console)?;
    let (n, at_a_time) = (args.n as usize, pictures_at_a_time(model.shape()));
    check_pictures(model.network_config(), at_a_time, n, CAPTION, "--n")?;
    let sampling = settings(&args.sampler, &model)?;
    let mut test = CaptionTest::of(&model)?;
    let request = test.request(n, sampling, seed);
    let mut painter = Painter::new(console, Interrupt::listen(console, "stopping"), 1);
    for batch in painter.batches(&request, at_a_time, "nothing was measured", |part| Ok(model.sample(part)?))
    {
        let (first, pictures) = batch?;
        test.read(first, &pictures);
    }
    painter.finish();
    let score = test.score();
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
