use super::editing::{Asked, Editing, batch};
use crate::args::{CurveName, InterpolateArgs};
use crate::console::Console;
use crate::counted::counted;
use crate::error::{Failure, Result};
use crate::interrupt::Interrupt;
use crate::painting::Painter;
use serde::Serialize;
use std::path::Path;
use tweedie_tensor::ops;
use tweedie_train::model::edit::{self, Curve};

/// What `--json` prints.
#[derive(Debug, Serialize)]
struct Interpolated<'a> {
    model: &'a Path,
    n: usize,
    steps: usize,
    iterations: u32,
    seconds: f64,
    out: &'a Path,
    #[serde(flatten)]
    asked: Asked<'a>,
}

/// Paints pictures between two.
///
/// # Errors
/// Whatever the user can mend; [`Failure::Interrupted`] on Ctrl-C.
pub(super) fn interpolate(args: &InterpolateArgs, seed: u64, console: Console) -> Result<()> {
    let [from, to] = &args.image[..] else {
        let given = args.image.len();
        return Err(Failure::user(counted(given, "picture"), "--image", "give it twice, once for each end"));
    };
    let editing = Editing::new(&args.common, seed, console)?;
    let [from, to] = [batch(&editing.picture(from)?)?, batch(&editing.picture(to)?)?];
    let sampling = editing.inversion(&args.inversion)?;
    let n = args.n as usize;
    let (of_ends, of_all) = (editing.condition(2)?, editing.condition(n)?);
    editing.claim_output()?;

    let curve = match args.way {
        CurveName::Spherical => Curve::Spherical,
        CurveName::Linear => Curve::Linear,
    };
    let interrupt = Interrupt::listen(console, "stopping");
    let mut painter = Painter::new(console, interrupt, 2);
    let pictures = ops::concat(&[&from, &to], 0)?;
    let ends = editing.paint(&mut painter, (2, &of_ends), &sampling, |request| {
        let part = ops::narrow(&pictures, 0, request.first, request.n)?;
        Ok(edit::invert(&editing.model, request, &part, args.inversion.iterations as usize)?)
    })?;
    let places = edit::interpolate(&ends, n, curve)?;
    let painted = editing.paint(&mut painter, (n, &of_all), &sampling, |request| {
        let part = ops::narrow(&places, 0, request.first, request.n)?;
        Ok(edit::reconstruct(&editing.model, request, &part)?)
    })?;
    let seconds = painter.finish().as_secs_f64();
    console.say(format!("painted {} between the two in {seconds:.1} s", counted(n, "picture")));
    editing.write(&[&from, &painted, &to], n + 2)?;
    console.result(&Interpolated {
        model: &args.common.model,
        n,
        steps: sampling.steps,
        iterations: args.inversion.iterations,
        seconds,
        out: &args.common.out,
        asked: editing.asked(&of_all),
    })
}
