//! `tweedie predict`: the network's output for noisy pictures.

use super::{captions, classes, noise};
use crate::args::PredictArgs;
use crate::console::Console;
use crate::counted::counted;
use crate::error::{Failure, Result};
use crate::models::open_any;
use crate::output;
use crate::painting::pictures_at_a_time;
use serde::Serialize;
use std::path::Path;
use tweedie_diffusion::Condition;
use tweedie_tensor::ops;
use tweedie_train::plan::check_pictures;

/// What `--json` prints.
#[derive(Debug, Serialize)]
struct Predicted<'a> {
    model: &'a Path,
    shape: [usize; 4],
    out: Option<&'a Path>,
    mean: f64,
    std: f64,
}

/// Reads the pictures, runs the network, writes its output.
///
/// # Errors
/// Whatever the user can mend.
pub(crate) fn predict(args: &PredictArgs, console: Console) -> Result<()> {
    let mut model = open_any(&args.model, !args.no_ema, console)?;
    let x = noise::read_for(&mut model, &args.noise)?;
    let shape = model.shape();
    let n = x.dims()[0];
    let timesteps = one_each(&args.timesteps, n)?;
    let classes = classes::resolve(&args.class, model.classes(), n)?;
    if classes.as_ref().is_some_and(Vec::is_empty) {
        return Err(Failure::user(
            "the model is class-conditional",
            "--class",
            "give one for all pictures, or one each",
        ));
    }
    let captions = captions::resolve(&args.caption, model.words(), n)?;
    let condition = Condition { classes, captions };
    if let Some(raw) = &args.raw {
        output::claim_file(raw, "--raw")?;
    }

    let kept = size_of::<f32>() * model.output_channels() * shape[1] * shape[2];
    check_pictures(model.network_config(), pictures_at_a_time(shape), n, kept as u64, "--noise of")?;
    let mut output_values = Vec::with_capacity(x.numel());
    let at_a_time = pictures_at_a_time(shape);
    for first in (0..n).step_by(at_a_time) {
        let count = at_a_time.min(n - first);
        let times = &timesteps[first..first + count];
        let part = model.predict(&ops::narrow(&x, 0, first, count)?, times, &condition.part(first, count))?;
        output_values.extend_from_slice(part.as_slice());
    }
    if let Some(raw) = &args.raw {
        noise::write(raw, &output_values, [model.output_channels(), shape[1], shape[2]])?;
    }

    let (mean, std) = moments(&output_values);
    let (c, [_, h, w]) = (model.output_channels(), shape);
    let out = args.raw.as_deref();
    console.print(format!("{n} × {c} × {h} × {w} numbers: mean {mean:.6}, standard deviation {std:.6}"))?;
    if let Some(out) = out {
        console.say(format!("tensor x in {}", out.display()));
    }
    console.result(&Predicted { model: &args.model, shape: [n, c, h, w], out, mean, std })
}

/// One time for all pictures, or one each.
fn one_each(given: &[f64], n: usize) -> Result<Vec<f64>> {
    if let Some(t) = given.iter().find(|t| !t.is_finite() || **t < 0.0) {
        return Err(Failure::user(format!("{t} is no time step"), "--timesteps", "give numbers from 0 up"));
    }
    match given {
        [one] => Ok(vec![*one; n]),
        _ if given.len() == n => Ok(given.to_vec()),
        _ => {
            let given = given.len();
            Err(Failure::user(
                format!("{} for {}", counted(given, "time step"), counted(n, "picture")),
                "--timesteps",
                "give one for all, or one each",
            ))
        }
    }
}

/// Mean and standard deviation.
fn moments(values: &[f32]) -> (f64, f64) {
    let n = values.len().max(1) as f64;
    let mean = values.iter().copied().map(f64::from).sum::<f64>() / n;
    let variance = values.iter().map(|&v| (f64::from(v) - mean).powi(2)).sum::<f64>() / n;
    (mean, variance.sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_one_for_all_or_one_each() {
        assert_eq!(one_each(&[5.0], 3).ok(), Some(vec![5.0; 3]));
        assert_eq!(one_each(&[1.0, 2.0], 2).ok(), Some(vec![1.0, 2.0]));
        assert!(one_each(&[1.0, 2.0], 3).is_err());
        assert!(one_each(&[-1.0], 1).is_err() && one_each(&[f64::NAN], 1).is_err());
    }

    #[test]
    fn moments_of_two_numbers() {
        assert_eq!(moments(&[1.0, 3.0]), (2.0, 1.0));
    }
}
