//! `tweedie inspect run`: whether the checkpoints of a run are whole, and how it went.

use super::results::{digits, write_charts};
use crate::args::InspectRunArgs;
use crate::console::Console;
use crate::error::{Failure, Result};
use crate::output;
use crate::progress::duration;
use crate::report::{Document, curves, grouped};
use crate::sparkline::{Scale, sparkline};
use serde::Serialize;
use std::time::Duration;
use tweedie_train::{Condition, Inspected, Metrics, inspect_run, read_metrics};

/// Columns of a curve.
const CURVE: usize = 48;
/// Characters of a digest that are shown, of 64.
const DIGEST: usize = 12;

/// What `--json` prints.
#[derive(Debug, Serialize)]
struct Told<'a> {
    #[serde(flatten)]
    inspected: &'a Inspected,
    /// Seconds of training, all sessions together.
    seconds: Option<f64>,
    /// The lines of its `metrics.jsonl`.
    metrics: &'a [Metrics],
}

/// Reads all checkpoints of a run, and says what they are like, and what it measured on the way.
///
/// # Errors
/// No run; a run without a checkpoint that is whole.
pub(super) fn run(args: &InspectRunArgs, console: Console) -> Result<()> {
    if let Some(out) = &args.out {
        output::claim_file(out.path(), "--out")?;
    }
    let inspected = inspect_run(&args.run)?;
    let metrics = read_metrics(&args.run.join("metrics.jsonl"))?;
    console.print(format!(
        "{:>10} {:>9} {:>10} {:>10} {:>9}  {:<DIGEST$}  state",
        "step", "MiB", "loss", "validation", "seconds", "weights"
    ))?;
    for condition in &inspected.checkpoints {
        let newest = (inspected.newest_whole == Some(condition.step)).then_some("newest whole");
        let best = (inspected.best == Some(condition.step)).then_some("best");
        let state = [Some(state(condition).as_str()), newest, best]
            .into_iter()
            .flatten()
            .collect::<Vec<_>>()
            .join(", ");
        let number = |value: Option<f64>| value.map_or("-".to_string(), digits);
        console.print(format!(
            "{:>10} {:>9.1} {:>10} {:>10} {:>9}  {:<DIGEST$}  {state}",
            grouped(condition.step),
            condition.bytes as f64 / f64::from(1 << 20),
            number(condition.loss),
            number(condition.validation),
            condition.seconds.map_or("-".to_string(), |seconds| format!("{seconds:.0}")),
            condition.weights_digest.as_ref().map_or("-", |digest| digest.get(..DIGEST).unwrap_or(digest)),
        ))?;
    }
    print_curves(&metrics, console)?;
    for change in &inspected.changes {
        console.print(change.to_string())?;
    }
    if let Some(owner) = &inspected.held_by {
        console.print(format!("process {} on {} trains there", owner.pid, owner.host))?;
    }
    for path in &inspected.leftovers {
        console.print(format!(
            "half-written by a process that is gone: {} (--resume removes it)",
            path.display()
        ))?;
    }
    if let Some(out) = &args.out {
        write_charts(out, &document(args, &inspected, &metrics), console)?;
    }
    let seconds = metrics.last().map(|last| last.seconds);
    console.result(&Told { inspected: &inspected, seconds, metrics: &metrics })?;
    match inspected.newest_whole {
        Some(_) => Ok(()),
        None => Err(Failure::user(
            "no checkpoint is whole",
            args.run.display().to_string(),
            "put a whole one there, or train again with another --out",
        )),
    }
}

fn state(condition: &Condition) -> String {
    match (&condition.problem, condition.has_checksums) {
        (Some(problem), _) => problem.clone(),
        (None, true) => "whole".to_string(),
        (None, false) => "whole in form, without checksums".to_string(),
    }
}

/// What was measured on the way, a curve each, from the first line of the metrics to the last.
fn print_curves(metrics: &[Metrics], console: Console) -> Result<()> {
    let (Some(first), Some(last)) = (metrics.first(), metrics.last()) else {
        return console.print("no metrics: the run has no metrics.jsonl");
    };
    console.print("")?;
    console.print(format!(
        "{} of metrics, steps {} to {}, {} of training",
        if metrics.len() == 1 { "1 line".to_string() } else { format!("{} lines", metrics.len()) },
        grouped(first.step),
        grouped(last.step),
        in_words(last.seconds)
    ))?;
    let all = |f: fn(&Metrics) -> f64| metrics.iter().map(|line| (line.step, f(line))).collect::<Vec<_>>();
    let held_out: Vec<(u64, f64)> =
        metrics.iter().filter_map(|line| Some((line.step, line.validation?))).collect();
    curve("loss", &all(|line| line.measured.loss), Scale::Log, console)?;
    curve("validation", &held_out, Scale::Log, console)?;
    if let Some((step, least)) = held_out.iter().min_by(|a, b| a.1.total_cmp(&b.1)) {
        console.print(format!("{:<17} {} at step {}", "  least", digits(*least), grouped(*step)))?;
    }
    curve("gradient norm", &all(|line| line.grad_norm), Scale::Log, console)?;
    curve("learning rate", &all(|line| line.learning_rate), Scale::Linear, console)?;
    curve("pictures a second", &all(|line| line.measured.images_per_second), Scale::Linear, console)?;
    curve("memory, MiB", &all(|line| line.measured.rss_mib as f64), Scale::Linear, console)
}

fn curve(name: &str, points: &[(u64, f64)], scale: Scale, console: Console) -> Result<()> {
    let (Some((_, first)), Some((_, last))) = (points.first(), points.last()) else { return Ok(()) };
    let values: Vec<f64> = points.iter().map(|(_, value)| *value).collect();
    console.print(format!(
        "{name:<17} {:>10} {:CURVE$} {}",
        short(*first),
        sparkline(&values, CURVE, scale),
        short(*last)
    ))
}

/// Four digits.
fn short(value: f64) -> String {
    match value.abs() {
        0.0 => "0".to_string(),
        size if size < 1e-3 => format!("{value:.2e}"),
        size if size < 100.0 => format!("{value:.4}"),
        _ => format!("{value:.0}"),
    }
}

fn in_words(seconds: f64) -> String {
    duration(Duration::try_from_secs_f64(seconds).unwrap_or_default())
}

fn document(args: &InspectRunArgs, inspected: &Inspected, metrics: &[Metrics]) -> Document {
    let mut facts = Vec::new();
    if let Some(last) = metrics.last() {
        facts.push((grouped(last.step), "steps"));
        facts.push((digits(last.measured.loss), "loss, lately"));
        facts.push((in_words(last.seconds), "of training"));
    }
    let mut whole = inspected.checkpoints.iter().filter(|condition| condition.problem.is_none());
    facts
        .push((format!("{} of {}", whole.clone().count(), inspected.checkpoints.len()), "checkpoints whole"));
    if let Some(best) = whole.clone().find(|condition| Some(condition.step) == inspected.best) {
        facts.push((grouped(best.step), "step of the best checkpoint"));
    }
    if let Some(digest) = whole.next_back().and_then(|condition| condition.weights_digest.as_ref()) {
        facts.push((digest.get(..DIGEST).unwrap_or(digest).to_string(), "weights of the newest, SHA-256"));
    }
    Document { title: args.run.display().to_string(), facts, charts: curves(metrics), ..Document::default() }
}
