//! `tweedie train`: a run, watched.

mod freedom;
mod place;
mod recipe;
mod watch;

use crate::args::TrainArgs;
use crate::console::Console;
use crate::counted::counted;
use crate::error::{Failure, Result};
use crate::interrupt::Interrupt;
use crate::report::grouped;
use place::Place;
use recipe::Recipe;
use std::path::{Path, PathBuf};
use tweedie_train::Freedom;
use tweedie_train::{Begin, Config, Summary};
use watch::Watch;

/// Trains, and leaves a run directory with pictures and a report.
///
/// # Errors
/// Whatever the user can mend; [`Failure::Interrupted`] on Ctrl-C, after a checkpoint.
pub(crate) fn train(args: &TrainArgs, seed: Option<u64>, console: Console) -> Result<()> {
    let recipe = Recipe::read(args)?;
    let data = recipe.data()?;
    let place = Place::of(args, &data.source)?;
    let config = recipe.config(seed, &data, &place)?;
    if let Some(note) = &place.note {
        console.say(note);
    }
    let interrupt = Interrupt::listen(console, "saving a checkpoint");
    let mut watch = Watch::new(console, interrupt, &place.out, &config);
    let begin = if place.resume { Begin::Resumed } else { Begin::New(freedom::of(args)) };
    let done = tweedie_train::train(config, &place.out, begin, &mut watch);
    let watch = watch.finish();
    let summary = done?;
    console.result(&summary)?;
    if summary.interrupted {
        let again = format!("tweedie train --out {} --resume", place.out.display());
        return Err(Failure::Interrupted(format!("saved after step {}: go on with: {again}", summary.steps)));
    }
    match &watch.trained_for {
        Some(time) => tell(&summary, watch.config.as_ref(), time, console),
        None => console.say(format!(
            "nothing left to train: {} ended after step {}; for more, give more --steps, or a --time-budget that is longer \
             than it has taken so far",
            summary.run.display(),
            grouped(summary.steps)
        )),
    }
    Ok(())
}

/// The configuration of the run that the command line asks for, without a place for it.
///
/// # Errors
/// As [`train`], before its first step.
pub(crate) fn configuration(args: &TrainArgs, seed: Option<u64>) -> Result<Config> {
    let recipe = Recipe::read(args)?;
    let data = recipe.data()?;
    let place = match args.resume {
        true => Place::of(args, &data.source)?,
        false => Place { out: PathBuf::new(), resume: false, note: None },
    };
    recipe.config(seed, &data, &place)
}

/// What such a run may decide by itself before its first step.
pub(crate) fn freedom(args: &TrainArgs) -> Freedom {
    if args.resume { Freedom::default() } else { freedom::of(args) }
}

/// What was done, where it is, and what to type next.
fn tell(summary: &Summary, config: Option<&Config>, time: &str, console: Console) {
    let run = summary.run.display();
    console.say(format!(
        "trained {} in {time}: loss {:.4}, {:.0} pictures a second, {} MiB, at most {}",
        counted(summary.steps as usize, "step"),
        summary.loss,
        summary.images_per_second,
        grouped(summary.rss_mib),
        grouped(summary.peak_rss_mib)
    ));
    let last = Path::new("samples").join("final.png");
    if summary.run.join(&last).exists() {
        console.say(format!("pictures  {run}/{}", last.display()));
    }
    console.say(format!("report    {run}/report.html"));
    let classes =
        config.map_or(0, |config| if config.train.class_conditional { config.data.classes.len() } else { 0 });
    let class = if classes > 1 { format!(" --class {}", classes / 2) } else { String::new() };
    console.say(format!("next      tweedie sample {run}{class} --out pictures.png"));
}
