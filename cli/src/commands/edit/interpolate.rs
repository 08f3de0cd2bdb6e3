use super::{Asked, Desk, Watch, batch};
use crate::args::{InterpolateArgs, WayName};
use crate::console::Console;
use crate::counted::counted;
use crate::error::{Failure, Result};
use serde::Serialize;
use std::path::Path;
use tweedie_tensor::ops;
use tweedie_train::model::edit::{self, Way};

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

/// Paints the way from one picture to another.
///
/// # Errors
/// Whatever the user can mend; [`Failure::Interrupted`] on Ctrl-C.
pub(super) fn interpolate(args: &InterpolateArgs, seed: u64, console: Console) -> Result<()> {
    let [from, to] = &args.image[..] else {
        let given = args.image.len();
        return Err(Failure::user(format!(
            "{}, --image: give it twice, once for each end",
            counted(given, "picture")
        )));
    };
    let desk = Desk::new(&args.common, seed, console)?;
    let [from, to] = [batch(&desk.picture(from)?)?, batch(&desk.picture(to)?)?];
    let sampling = desk.inversion(&args.inversion)?;
    let n = args.n as usize;
    let (of_ends, of_all) = (desk.condition(2)?, desk.condition(n)?);
    desk.claim()?;

    let way = match args.way {
        WayName::Spherical => Way::Spherical,
        WayName::Linear => Way::Linear,
    };
    let mut watch = Watch::new(console, 2);
    let pictures = ops::concat(&[&from, &to], 0)?;
    let ends = desk.in_parts(&mut watch, (2, &of_ends), &sampling, |request, watch| {
        let part = ops::narrow(&pictures, 0, request.first, request.n)?;
        edit::invert(&desk.model, request, &part, args.inversion.iterations as usize, watch)
    })?;
    let places = edit::between(&ends, n, way)?;
    let painted = desk.in_parts(&mut watch, (n, &of_all), &sampling, |request, watch| {
        let part = ops::narrow(&places, 0, request.first, request.n)?;
        edit::reconstruct(&desk.model, request, &part, watch)
    })?;
    let seconds = watch.finish();
    console.say(format!("painted {} between the two in {seconds:.1} s", counted(n, "picture")));
    desk.hang(&[&from, &painted, &to], n + 2)?;
    console.result(&Interpolated {
        model: &args.common.model,
        n,
        steps: sampling.steps,
        iterations: args.inversion.iterations,
        seconds,
        out: &args.common.out,
        asked: desk.asked(&of_all),
    })
}
