use super::editing::{Asked, Editing, batch};
use crate::args::InpaintArgs;
use crate::console::Console;
use crate::counted::counted;
use crate::error::{Failure, Result};
use crate::interrupt::Interrupt;
use crate::painting::Painter;
use serde::Serialize;
use std::path::Path;
use tweedie_tensor::Tensor;
use tweedie_train::data::read_picture;
use tweedie_train::model::edit::{self, Resampling};

/// Pictures in a row of the grid.
const IN_A_ROW: usize = 10;

/// What `--json` prints.
#[derive(Debug, Serialize)]
struct Inpainted<'a> {
    model: &'a Path,
    n: usize,
    painted_pixels: usize,
    steps: usize,
    jump: usize,
    resamplings: usize,
    seconds: f64,
    out: &'a Path,
    #[serde(flatten)]
    asked: Asked<'a>,
}

/// Repaints a part of a picture.
///
/// # Errors
/// Whatever the user can mend; [`Failure::Interrupted`] on Ctrl-C.
pub(super) fn inpaint(args: &InpaintArgs, seed: u64, console: Console) -> Result<()> {
    let editing = Editing::new(&args.common, seed, console)?;
    let picture = editing.picture(&args.image)?;
    let [channels, height, width] = editing.model.shape();
    let mask = read_picture(&args.mask, [1, height, width], args.common.resize)?;
    let white: Vec<bool> = mask.as_slice().iter().map(|&x| x > 0.0).collect();
    let painted_pixels = white.iter().filter(|&&white| white).count();
    if painted_pixels == 0 {
        return Err(Failure::user(
            "nothing to paint",
            format!("--mask {}", args.mask.display()),
            "make the part white that is to be repainted",
        ));
    }
    let painted = white.repeat(channels);
    let sampling = editing.sampling(&args.sampler)?;
    let n = args.n as usize;
    let condition = editing.condition(n)?;
    editing.claim_output()?;

    let resampling = Resampling { jump: args.jump as usize, times: args.resamplings as usize };
    let interrupt = Interrupt::listen(console, "stopping");
    let mut painter = Painter::new(console, interrupt, 1);
    let results = editing.paint(&mut painter, (n, &condition), &sampling, |request| {
        Ok(edit::inpaint(&editing.model, request, &picture, &painted, resampling)?)
    })?;
    let seconds = painter.finish().as_secs_f64();
    let grey = |i: usize| if painted[i] { 0.0 } else { picture.as_slice()[i] };
    let masked = Tensor::from_fn([1, channels, height, width], grey);
    let pixels = height * width;
    let times = counted(n, "time");
    console.say(format!("repainted {painted_pixels} of {pixels} pixels, {times}, in {seconds:.1} s"));
    editing.write(&[&batch(&picture)?, &masked, &results], (n + 2).min(IN_A_ROW))?;
    console.result(&Inpainted {
        model: &args.common.model,
        n,
        painted_pixels,
        steps: sampling.steps,
        jump: resampling.jump,
        resamplings: resampling.times,
        seconds,
        out: &args.common.out,
        asked: editing.asked(&condition),
    })
}
