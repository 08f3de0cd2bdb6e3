//! `tweedie train`: a run, watched.

mod adjustable;
mod place;
mod ranked;
mod recipe;
mod watch;

use crate::args::TrainArgs;
use crate::console::Console;
use crate::counted::counted;
use crate::error::{Failure, Result};
use crate::interrupt::Interrupt;
use crate::progress::duration;
use crate::ranks;
use crate::report::grouped;
use place::Place;
use recipe::Recipe;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tweedie_train::cluster::{Collective, Team};
use tweedie_train::data::Source;
use tweedie_train::{Adjustable, Begin, Config, RunLock, Summary, Training};
use watch::Watch;

/// The share of the time from which on a wait for pictures is worth mending.
const TELLING_WAIT: f64 = 0.05;
/// The share of a time budget from which on a run that took longer says why.
const TELLING_OVERRUN: f64 = 0.1;
/// The seconds from which on either is worth a word.
const TELLING_SECONDS: f64 = 5.0;

/// Trains, and leaves a run directory with pictures and a report.
///
/// # Errors
/// Whatever the user can mend; [`Failure::Interrupted`] on Ctrl-C, after a checkpoint.
pub(crate) fn train(args: &TrainArgs, seed: Option<u64>, console: Console) -> Result<()> {
    let began = Instant::now();
    if args.tui && console.quiet {
        return Err(Failure::user("a screen that says nothing", "--tui --quiet", "leave one of them out"));
    }
    let interrupt = Interrupt::listen_from_the_start(console, "saving a checkpoint");
    let mut team = ranks::team(&args.ranks, console)?;
    let trained = match team.rank() {
        0 => first(args, seed, console, (began, interrupt), &mut team),
        _ => ranked::follow(args, seed, interrupt, &mut team),
    };
    if let Err(Failure::User(error)) = &trained {
        // The others have heard of it already, unless it came before the run.
        team.fail(&error.to_string());
    }
    trained
}

/// The run of a process that is alone, or of the rank that writes and speaks for all.
fn first(
    args: &TrainArgs,
    seed: Option<u64>,
    console: Console,
    (began, interrupt): (Instant, Interrupt),
    team: &mut Team,
) -> Result<()> {
    let recipe = Recipe::read(args)?;
    ranked::check_asked(args, seed, &recipe, team)?;
    let data = recipe.data()?;
    let (place, lock) = locked_place(args, &data.source)?;
    let (config, source) = recipe.config_and_source(seed, &data, &place, ranks::asked_for(&args.ranks)?)?;
    if let Some(note) = &place.note {
        console.say(note);
    }
    interrupt.begin();
    let mut watch = Watch::new(console, interrupt, &place.out, &config, args.tui);
    ranked::lead(team, &config, place.resume)?;
    let begin = if place.resume { Begin::Resumed } else { Begin::New(adjustable::of(args)) };
    let mut training = Training::new(config)
        .opened(source)
        .locked(lock)
        .begin(begin)
        .since(began)
        .changed_data(args.changed_data)
        .together(team.clone());
    if let Some(grace) = args.grace {
        training = training.grace(grace);
    }
    let done = training.run(&mut watch);
    let watch = watch.finish();
    let summary = done?.summary;
    console.result(&summary)?;
    if summary.interrupted {
        let again = format!("tweedie train --out {} --resume", place.out.display());
        return Err(Failure::Interrupted(format!(
            "saved after step {}: continue with: {again}",
            summary.steps
        )));
    }
    match &watch.trained_for {
        Some(time) => report(&summary, &place.out, watch.config.as_ref(), *time, console),
        None => console.say(format!(
            "nothing left to train: {} ended after step {}; for more, give more --steps, or a --time-budget that is longer \
             than it has taken so far",
            place.out.display(),
            grouped(summary.steps)
        )),
    }
    Ok(())
}

/// Where the run goes, which nobody else can train in from now on.
///
/// # Errors
/// As [`Place::of`]; another process that trains there.
fn locked_place(args: &TrainArgs, data: &str) -> Result<(Place, RunLock)> {
    loop {
        let place = Place::of(args, data)?;
        let lock = RunLock::take(&place.out)?;
        // Another process may have begun a run there before this one had the lock.
        let now = Place::of(args, data)?;
        if now == place {
            return Ok((place, lock));
        }
    }
}

/// The run that the command line asks for, without a place for it: its configuration, its data, and what it may adjust
/// before its first step.
///
/// # Errors
/// As [`train`], before its first step.
pub(crate) fn asked_for(
    args: &TrainArgs,
    seed: Option<u64>,
) -> Result<(Config, Arc<dyn Source>, Adjustable)> {
    let recipe = Recipe::read(args)?;
    let data = recipe.data()?;
    let place = match args.resume {
        true => Place::of(args, &data.source)?,
        false => Place { out: PathBuf::new(), resume: false, note: None },
    };
    let (config, source) = recipe.config_and_source(seed, &data, &place, 1)?;
    let adjustable = if args.resume { Adjustable::default() } else { adjustable::of(args) };
    Ok((config, source, adjustable))
}

/// How much longer than its budget a run took, if that asks for a word; both in seconds.
fn overrun(time: f64, budget: f64) -> Option<String> {
    let over = time - budget;
    (over > TELLING_SECONDS && over > TELLING_OVERRUN * budget)
        .then(|| format!("{} more than the time budget", duration(Duration::from_secs_f64(over))))
}

/// Says what was done, where it is, and what to type next.
fn report(summary: &Summary, out: &Path, config: Option<&Config>, time: Duration, console: Console) {
    let run = out.display();
    console.say(format!(
        "trained {} in {}: loss {:.4}, {:.0} pictures a second, {} MiB, at most {}",
        counted(summary.steps as usize, "step"),
        duration(time),
        summary.loss,
        summary.images_per_second,
        grouped(summary.rss_mib),
        grouped(summary.peak_rss_mib)
    ));
    let budget = config.and_then(|config| config.train.time_budget);
    if let Some(over) = budget.and_then(|budget| overrun(time.as_secs_f64(), budget)) {
        console.say(format!(
            "{over}: its last step is planned when its learning rate begins to fall, and this machine was slower after that"
        ));
    }
    if summary.data_wait > TELLING_WAIT && summary.waited > TELLING_SECONDS {
        let is_drawn = |config: &Config| ["glyphs", "shapes", "scenes"].contains(&&*config.data.source);
        let remedy = match config.is_some_and(is_drawn) {
            true => "",
            false => {
                ": scale the files down once to the size that is learnt, or let more of them stay in memory (data.cache_mib)"
            }
        };
        console.say(format!("waited {:.0} % of the time for pictures{remedy}", 100.0 * summary.data_wait));
    }
    let last = Path::new("samples").join("final.png");
    if out.join(&last).exists() {
        console.say(format!("pictures  {run}/{}", last.display()));
    }
    console.say(format!("report    {run}/report.html"));
    let classes =
        config.map_or(0, |config| if config.train.class_conditional { config.data.classes.len() } else { 0 });
    let class = if classes > 1 { format!(" --class {}", classes / 2) } else { String::new() };
    console.say(format!("next      tweedie sample {run}{class} --out pictures.png"));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_that_took_much_longer_than_its_budget_says_so() {
        assert_eq!(overrun(220.0, 180.0).as_deref(), Some("40s more than the time budget"));
        assert_eq!([overrun(190.0, 180.0), overrun(13.0, 10.0), overrun(170.0, 180.0)], [None, None, None]);
    }
}
