//! `tweedie inspect plane`: a model of points beside the exact answer.

mod drawing;
mod panel;

use super::results::{digits, write_charts};
use crate::args::InspectPlaneArgs;
use crate::console::Console;
use crate::error::{Failure, Result};
use crate::models::open;
use crate::output;
use crate::progress::Progress;
use crate::report::{Chart, Document, Series, grouped};
use serde::Serialize;
use std::path::Path;
use tweedie_train::Model;
use tweedie_train::config::{DataConfig, SamplerKind};
use tweedie_train::data::{self, Split};
use tweedie_train::measure::plane::{Compared, Moment, Plane, Scores};

/// The times that are drawn, as shares of all.
const DRAWN: [f64; 5] = [0.02, 0.15, 0.35, 0.6, 0.9];
/// The times whose scores are compared, as shares of all.
const COMPARED: [f64; 12] = [0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9];

/// What `--json` prints.
#[derive(Debug, Serialize)]
struct Found<'a> {
    model: &'a Path,
    data: &'a str,
    /// Points that the exact answer is computed from.
    points: usize,
    /// Fresh points, and samples of each sampler.
    n: usize,
    steps: u32,
    scores: Vec<Scores>,
    samplers: Vec<Distances>,
    /// The distance of two sets of fresh points.
    fresh: f64,
}

/// How far the samples of a sampler lie from fresh points.
#[derive(Debug, Serialize)]
struct Distances {
    sampler: SamplerKind,
    evaluations: usize,
    learnt: f64,
    exact: f64,
}

/// Measures, prints and draws.
///
/// # Errors
/// Whatever the user can mend.
pub(super) fn plane(args: &InspectPlaneArgs, seed: u64, console: Console) -> Result<()> {
    let model = open(&args.run, !args.no_ema, console)?;
    let learnt_from = data_of(args, &model)?;
    let [source, fresh] = [learnt_from.split, Split::from(args.split)]
        .map(|split| data::open(&learnt_from.source, split, &learnt_from.options()));
    let (source, fresh) = (source?, fresh?);
    if let Some(out) = &args.out {
        output::claim_file(out.path(), "--out")?;
    }
    let plane = Plane::new(&model, &*source, &*fresh, args.n as usize, seed)?;
    let mut progress = Progress::new(console);
    let parts = COMPARED.len() + DRAWN.len() + 4 * args.samplers.len();
    let mut done = 0;
    let mut show = |what: &str, more: usize| {
        progress.update(done as f64 / parts as f64, || what.to_string());
        done += more;
    };
    let mut scores = Vec::new();
    for share in COMPARED {
        show("scores", 1);
        scores.push(plane.scores(time(&plane, share))?);
    }
    scores.dedup_by_key(|scores| scores.t);
    let mut moments = Vec::new();
    if args.out.is_some() {
        for share in DRAWN {
            show("densities and scores", 1);
            moments.push(plane.moment(time(&plane, share))?);
        }
    }
    let mut compared = Vec::new();
    for &kind in &args.samplers {
        show(kind.title(), 4);
        compared.push(plane.compare(kind, args.steps as usize)?);
    }
    progress.finish();

    let distances = |of: &Compared| Distances {
        sampler: of.kind,
        evaluations: of.evaluations,
        learnt: of.learnt.distance,
        exact: of.exact.distance,
    };
    let found = Found {
        model: &args.run,
        data: &learnt_from.source,
        points: plane.points(),
        n: plane.fresh(),
        steps: args.steps,
        samplers: compared.iter().map(distances).collect(),
        scores,
        fresh: plane.floor(),
    };
    found.print(console)?;
    if let Some(out) = &args.out {
        write_charts(out, &found.document(&plane, &moments, &compared)?, console)?;
    }
    console.result(&found)
}

/// The data that the run has learnt from, be they elsewhere now.
fn data_of(args: &InspectPlaneArgs, model: &Model) -> Result<DataConfig> {
    let known = model.data().cloned();
    match (&args.data, known) {
        (Some(source), known) => Ok(DataConfig { source: source.clone(), ..known.unwrap_or_default() }),
        (None, Some(known)) => Ok(known),
        (None, None) => Err(Failure::user(
            "the model does not say what it has learnt from",
            args.run.display().to_string(),
            "give --data",
        )),
    }
}

/// The index of the time after this share of all.
fn time(plane: &Plane<'_>, share: f64) -> usize {
    let last = plane.num_timesteps() - 1;
    ((share * plane.num_timesteps() as f64) as usize).min(last)
}

impl Found<'_> {
    fn print(&self, console: Console) -> Result<()> {
        console.print("score, learnt against exact, at points noised to t")?;
        console.print(format!(
            "{:>6} {:>9} {:>9} {:>14} {:>12} {:>18}",
            "t", "√ᾱ", "√(1−ᾱ)", "E‖s_θ − s‖²", "E‖s‖²", "(1−ᾱ) E‖s_θ − s‖²"
        ))?;
        for Scores { t, signal, noise, squared_error, squared_score, in_noise } in &self.scores {
            console.print(format!(
                "{:>6} {signal:>8.4} {noise:>8.4} {:>14} {:>12} {:>18}",
                t + 1,
                digits(*squared_error),
                digits(*squared_score),
                digits(*in_noise)
            ))?;
        }
        console.print("")?;
        console.print(format!(
            "distance of {} samples in {} steps from fresh points; two sets of fresh points are {:.4} apart",
            grouped(self.n as u64),
            self.steps,
            self.fresh
        ))?;
        console.print(format!("{:<18} {:>11} {:>8} {:>8}", "sampler", "evaluations", "learnt", "exact"))?;
        for Distances { sampler, evaluations, learnt, exact } in &self.samplers {
            let name = sampler.name();
            console.print(format!("{name:<18} {evaluations:>11} {learnt:>8.4} {exact:>8.4}"))?;
        }
        Ok(())
    }

    fn document(&self, plane: &Plane<'_>, moments: &[Moment], compared: &[Compared]) -> Result<Document> {
        let over = |of: fn(&Scores) -> f64| -> Vec<(f64, f64)> {
            let last = plane.num_timesteps() as f64;
            self.scores.iter().map(|scores| ((scores.t + 1) as f64 / last, of(scores))).collect()
        };
        let line = |name: &str, points| Series { name: Some(name.into()), points, ..Series::default() };
        let errors = Chart {
            title: "score: E‖s_θ − s‖² beside E‖s‖²",
            across: "t / T",
            log: true,
            series: vec![
                line("error", over(|scores| scores.squared_error)),
                line("the score itself", over(|scores| scores.squared_score)),
            ],
            ..Chart::default()
        };
        let in_noise = Chart {
            title: "the same in units of the noise: what it adds to a loss on ε",
            across: "t / T",
            log: true,
            series: vec![line("(1−ᾱ) E‖s_θ − s‖²", over(|scores| scores.in_noise))],
            ..Chart::default()
        };
        let best = self.samplers.iter().min_by(|a, b| a.learnt.total_cmp(&b.learnt));
        let mut facts = vec![
            (grouped(self.points as u64), "points"),
            (format!("{:.4}", self.fresh), "distance of fresh points from others"),
        ];
        facts.extend(best.map(|best| (format!("{:.4}", best.learnt), "distance of the best samples")));
        Ok(Document {
            title: format!("{} in the plane", self.model.display()),
            facts,
            drawings: vec![drawing::draw(plane, moments, compared)?],
            charts: vec![errors, in_noise],
            ..Document::default()
        })
    }
}
