//! `tweedie plan`: what a run needs, before it begins.

use super::train::asked_for;
use crate::args::PlanArgs;
use crate::console::Console;
use crate::counted::counted;
use crate::error::Result;
use crate::progress::duration;
use crate::report::grouped;
use serde::Serialize;
use std::time::{Duration, Instant};
use tweedie_train::data::Source;
use tweedie_train::measure::bench::Step;
use tweedie_train::plan::{
    Memory, Network, Plan, Recomputation, Scaling, check_training, readable_bytes, step_on,
};
use tweedie_train::{Config, Error, UserError, adjust};

/// Steps that are measured at most, after one that does not count.
const STEPS: u32 = 5;
/// How long it is measured; a step that takes longer is the only one.
const SPELL: Duration = Duration::from_secs(2);

/// What `--json` prints.
#[derive(Debug, Serialize)]
struct Planned {
    parameters: usize,
    batch: usize,
    flops_per_step: f64,
    shards: usize,
    memory: Memory,
    recompute: Recomputation,
    step_ms: Option<f64>,
    images_per_second: Option<f64>,
    steps: Option<u64>,
    seconds: Option<f64>,
    fits: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    scaling: Vec<Scaling>,
}

/// Estimates what the run that the command line asks for needs.
///
/// # Errors
/// Whatever the user can mend. That the run would not fit is part of the result, and no error.
pub(crate) fn plan(args: &PlanArgs, seed: Option<u64>, console: Console) -> Result<()> {
    let (mut config, source, adjustable) = asked_for(&args.train, seed)?;
    let mut found = Plan::new(&config.clone().resolved(&*source), &*source)?;
    if found.fits && !args.no_measure {
        console.say("measuring steps on this machine: seconds for a small network, a minute for a large one");
        let mut notes = source.notes().to_vec();
        config = adjust(config, adjustable, &source, &mut (), &mut notes)?;
        found = Plan::new(&config.clone().resolved(&*source), &*source)?;
        notes.iter().for_each(|note| console.say(format!("note: {note}")));
    }
    let config = config.resolved(&*source);
    let step = match found.fits && !args.no_measure {
        true => Some(measured(&config, source.shape())?.as_secs_f64()),
        false => None,
    };
    let mut planned = Planned::new(&found, Recomputation::of(&config, &*source)?, &config, step);
    if let (Some(ranks), Some(bandwidth), true) = (args.ranks, args.bandwidth, found.fits) {
        let network = Network { bandwidth, latency: 1e-6 * args.latency };
        planned.scaling = scaling(&config, source.shape(), found.parameters, ranks as usize, network)?;
    }
    planned.print(&config, &*source, console)?;
    console.result(&planned)
}

/// What 1, 2, 4, … machines like this one would do, up to so many `ranks`, and to one picture each. The share of one is
/// measured; the network between them is not.
fn scaling(
    config: &Config,
    shape: [usize; 3],
    parameters: usize,
    ranks: usize,
    network: Network,
) -> Result<Vec<Scaling>> {
    let batch = config.train.batch;
    let mut all: Vec<Scaling> = Vec::new();
    let counts = std::iter::successors(Some(1), |count| Some(2 * count));
    for ranks in counts.take_while(|&count| count <= ranks && batch.is_multiple_of(count)) {
        let mut share = config.clone();
        share.train.batch = batch / ranks;
        share.train.shards = (config.train.shards / ranks).max(1);
        let own = measured(&share, shape)?.as_secs_f64();
        let precision = config.train.gradient_precision;
        let (step, exposed) = step_on(ranks, own, parameters, precision, network);
        let images_per_second = batch as f64 / step;
        let of_one = all.first().map_or(images_per_second, |one| one.images_per_second);
        let efficiency = images_per_second / (ranks as f64 * of_one);
        all.push(Scaling {
            ranks,
            step_ms: 1e3 * step,
            exposed_ms: 1e3 * exposed,
            images_per_second,
            efficiency,
        });
    }
    Ok(all)
}

/// How long a step takes on this machine: as many passes over a shard as there are.
fn measured(config: &Config, shape: [usize; 3]) -> Result<Duration> {
    let shards = config.train.shards;
    let each = config.train.batch / shards;
    let mut step = Step::on_pictures(&config.model, shape, each)?
        .with_rule(config.optimizer.rule)?
        .with_recompute(config.train.recompute)
        .with_precision(config.train.precision.into());
    let shards = shards as u32;
    let began = Instant::now();
    step.train()?;
    let first = began.elapsed();
    if first > SPELL {
        return Ok(first * shards);
    }
    let (began, mut done) = (Instant::now(), 0);
    while done < STEPS && (done == 0 || began.elapsed() < SPELL) {
        step.train()?;
        done += 1;
    }
    Ok(began.elapsed() * shards / done)
}

impl Planned {
    fn new(found: &Plan, recompute: Recomputation, config: &Config, step: Option<f64>) -> Planned {
        let &Plan { parameters, batch, flops_per_step, memory, fits } = found;
        let (asked, budget) = (config.train.steps, config.train.time_budget);
        // Both ends count, whichever comes first.
        let within = step.zip(budget).map(|(step, budget)| (budget / step) as u64);
        let steps = asked.into_iter().chain(within).min();
        let seconds = step.zip(steps).map(|(step, steps)| step * steps as f64).or(budget);
        Planned {
            parameters,
            batch,
            flops_per_step,
            shards: config.train.shards,
            memory,
            recompute,
            step_ms: step.map(|step| 1e3 * step),
            images_per_second: step.map(|step| batch as f64 / step),
            steps,
            seconds,
            fits,
            scaling: Vec::new(),
        }
    }

    /// Prints a table.
    fn print(&self, config: &Config, source: &dyn Source, console: Console) -> Result<()> {
        let line = |name: &str, text: String| console.print(format!("{name:<14} {text}"));
        let [channels, height, width] = source.shape();
        line("pictures", format!("{} of {channels}x{height}x{width}", grouped(source.len() as u64)))?;
        line("parameters", grouped(self.parameters as u64))?;
        let giga = |flops: f64| {
            if flops < 1e11 { format!("{:.2}", flops / 1e9) } else { format!("{:.0}", flops / 1e9) }
        };
        let (work, batch) = (self.flops_per_step, self.batch);
        line(
            "work",
            format!(
                "{} GFLOP a step of {batch} pictures, {} a picture",
                giga(work),
                giga(work / batch as f64)
            ),
        )?;
        let Memory { weights, gradients, moments, average, activations, data, workspace, total, limit } =
            self.memory;
        for (name, bytes) in [
            ("weights", weights),
            ("gradients", gradients),
            ("moments", moments),
            ("average", average),
            ("activations", activations),
            ("data", data),
            ("workspace", workspace),
        ] {
            line(&format!("  {name}"), format!("{:>10}", readable_bytes(bytes)))?;
        }
        let limit = limit.map_or(String::new(), |limit| {
            format!(" of the {} that this process may use", readable_bytes(limit))
        });
        line("memory", format!("{:>10}{limit}", readable_bytes(total)))?;
        if self.shards > 1 {
            line(
                "shards",
                format!("{} of {} pictures, one after another", self.shards, batch / self.shards),
            )?;
        }
        let Recomputation { total_without, total_with, extra_work } = self.recompute;
        let percent = 100.0 * extra_work;
        let (without, with) = (readable_bytes(total_without), readable_bytes(total_with));
        match config.train.recompute.blocks() {
            true => line("recompute", format!("blocks: {percent:.0} % more work; {without} without it"))?,
            false => line(
                "recompute",
                format!("none; with train.recompute=blocks {with}, and {percent:.0} % more work a step"),
            )?,
        }
        if let (Some(step), Some(pace)) = (self.step_ms, self.images_per_second) {
            line("a step", format!("{step:.0} ms, {pace:.0} pictures a second"))?;
        }
        match (self.steps, self.seconds.map(|seconds| duration(Duration::from_secs_f64(seconds)))) {
            (Some(steps), Some(time)) => line("the run", format!("{} steps in {time}", grouped(steps)))?,
            (Some(steps), None) => line("the run", format!("{} steps", grouped(steps)))?,
            (None, Some(time)) => line("the run", format!("as many steps as {time} allow"))?,
            (None, None) => {}
        }
        for &Scaling { ranks, step_ms, exposed_ms, images_per_second, efficiency } in &self.scaling {
            line(
                &counted(ranks, "rank"),
                format!(
                    "{images_per_second:.0} pictures a second, {:.0} % of {ranks} times one; a step {step_ms:.0} ms, of which \
                     {exposed_ms:.0} ms wait for the network",
                    100.0 * efficiency
                ),
            )?;
        }
        if !self.fits
            && let Err(Error::User(UserError { remedy, .. })) = check_training(config, source)
        {
            line("does not fit", remedy)?;
        }
        Ok(())
    }
}
