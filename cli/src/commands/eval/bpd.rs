//! `tweedie eval bpd`: the variational bound, term by term.

use super::terms_chart;
use crate::args::{BpdArgs, VarianceName};
use crate::console::Console;
use crate::counted::counted;
use crate::error::{Failure, Result};
use crate::interrupt::Interrupt;
use crate::measuring::watched;
use crate::models::open;
use crate::output;
use crate::painting::pictures_at_a_time;
use crate::ranks;
use crate::spread::spread;
use serde::Serialize;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;
use tweedie_diffusion::{BoundEstimate, Clip, Decoder, VarianceKind};
use tweedie_train::Model;
use tweedie_train::cluster::{Collective, Team, Turn};
use tweedie_train::config::DataConfig;
use tweedie_train::data::{self, DataOptions, Source};
use tweedie_train::measure::{self, BoundRequest, LikelihoodEstimate, LikelihoodRequest};
use tweedie_train::plan::check_pictures;

/// Rows of the table of terms, and of the rate–distortion curve, for a person.
const ROWS: usize = 8;

/// What `--json` prints.
#[derive(Debug, Serialize)]
struct Measured<'a> {
    model: &'a Path,
    n: usize,
    variance: VarianceKind,
    bits_per_dim: f64,
    std_error: Option<f64>,
    #[serde(rename = "l_T")]
    prior: f64,
    l_mid: f64,
    l_0: f64,
    constant: f64,
    std_errors: Parts,
    terms: Vec<Term>,
    rate_distortion: Vec<Point>,
    ode: Option<Ode>,
    seconds: f64,
    out: Option<&'a Path>,
}

/// A number for each part.
#[derive(Debug, Serialize)]
struct Parts {
    #[serde(rename = "l_T")]
    prior: Option<f64>,
    l_mid: Option<f64>,
    l_0: Option<f64>,
}

/// The term at one time.
#[derive(Debug, Serialize)]
struct Term {
    t: usize,
    mean: f64,
    std_error: Option<f64>,
    count: usize,
}

/// A point of the rate–distortion curve.
#[derive(Debug, Serialize)]
struct Point {
    t: f64,
    bits_per_dim: f64,
    rmse: f64,
}

/// The density by the probability-flow ODE.
#[derive(Debug, Serialize)]
struct Ode {
    bits_per_dim: f64,
    std_error: Option<f64>,
    steps: u32,
    solver_error: f64,
}

/// Measures, and says what came of it.
///
/// # Errors
/// Whatever the user can mend; [`Failure::Interrupted`] on Ctrl-C.
pub(super) fn bpd(args: &BpdArgs, seed: u64, console: Console) -> Result<()> {
    ranks::together(&args.ranks, console, |team, console| of_ranks(args, seed, team, console))
}

fn of_ranks(args: &BpdArgs, seed: u64, team: &mut Team, console: Console) -> Result<()> {
    let (turn, speaks) = (Turn::among(team), team.rank() == 0);
    let prepare = || {
        let model = open(&args.model, !args.no_ema, console)?;
        let source = pictures(args, &model)?;
        check_pictures(model.network_config(), pictures_at_a_time(model.shape()), source.len(), 0, "--n")?;
        if let (Some(out), true) = (&args.out, speaks) {
            output::claim_file(out, "--out")?;
        }
        let request = request_of(args, &model, seed)?;
        Ok((model, source, request))
    };
    let (model, source, request) = ranks::prepared(team, prepare, |(model, ..)| Some(model))?;
    ranks::check_data(team, &*source, "--data")?;

    let interrupt = Interrupt::listen(console, "stopping");
    let began = Instant::now();
    let bound = ranks::rank_0_first(team, || Ok(measure::bound(&model, &*source, &request, turn)?))?;
    let mut estimator = bound.estimator();
    for terms in spread(team, &interrupt, watched(bound, "the bound", &interrupt, console)) {
        estimator.gather(&terms?);
    }
    let ode = match args.ode {
        true => {
            let request =
                LikelihoodRequest { pictures: request.pictures, steps: args.ode_steps as usize, seed };
            let likelihood = measure::likelihood(&model, &*source, &request, turn)?;
            let batches = watched(likelihood, "the density by the ODE", &interrupt, console);
            let pictures = spread(team, &interrupt, batches).collect::<Result<Vec<_>>>()?;
            Some(LikelihoodEstimate::of(&pictures.concat()))
        }
        false => None,
    };
    if !speaks {
        return Ok(());
    }
    let estimate = estimator.estimate();
    if let Some(out) = &args.out {
        output::write(out, terms_chart::draw(&estimate).as_bytes())?;
    }
    print(&estimate, console)?;
    if let Some(LikelihoodEstimate { bits, solver_error, .. }) = &ode {
        let error = bits.std_error.map_or(String::new(), |error| format!(" ± {error:.6}"));
        let steps = counted(args.ode_steps as usize, "step");
        console.print(format!(
            "by the ODE, {steps}: {:.6}{error} bits per dimension, the solver off by about {solver_error:.6}",
            bits.mean
        ))?;
    }
    if let Some(out) = &args.out {
        console.say(format!("in {}", out.display()));
    }
    console.result(&Measured {
        model: &args.model,
        n: estimate.pictures,
        variance: request.variance,
        bits_per_dim: estimate.total.mean,
        std_error: estimate.total.std_error,
        prior: estimate.prior.mean,
        l_mid: estimate.middle.mean,
        l_0: estimate.decoder.mean,
        constant: estimate.constant.mean,
        std_errors: Parts {
            prior: estimate.prior.std_error,
            l_mid: estimate.middle.std_error,
            l_0: estimate.decoder.std_error,
        },
        terms: estimate
            .terms
            .iter()
            .map(|term| Term {
                t: term.t,
                mean: term.bits.mean,
                std_error: term.bits.std_error,
                count: term.count,
            })
            .collect(),
        rate_distortion: estimate
            .rate_distortion
            .iter()
            .map(|point| Point { t: point.t, bits_per_dim: point.rate, rmse: point.rmse })
            .collect(),
        ode: ode.map(|ode| Ode {
            bits_per_dim: ode.bits.mean,
            std_error: ode.bits.std_error,
            steps: args.ode_steps,
            solver_error: ode.solver_error,
        }),
        seconds: began.elapsed().as_secs_f64(),
        out: args.out.as_deref(),
    })
}

/// What is to be measured.
fn request_of(args: &BpdArgs, model: &Model, seed: u64) -> Result<BoundRequest> {
    Ok(BoundRequest {
        pictures: args.n as usize,
        at_a_time: pictures_at_a_time(model.shape()),
        per_picture: args.timesteps_per_picture as usize,
        variance: match args.variance {
            Some(VarianceName::FixedSmall) => VarianceKind::FixedSmall,
            Some(VarianceName::FixedLarge) => VarianceKind::FixedLarge,
            None => model.sampling()?.variance,
        },
        clip: clip(args.clip)?,
        decoder: if args.tanh_decoder { Decoder::Tanh } else { Decoder::Exact },
        seed,
    })
}

/// The data that the command line names, else what the model learnt from.
fn pictures(args: &BpdArgs, model: &Model) -> Result<Arc<dyn Source>> {
    let learnt = model.data();
    let Some(name) = args.data.clone().or_else(|| learnt.map(|data| data.source.clone())) else {
        return Err(Failure::user(
            "nothing says which pictures to measure",
            "--data",
            "give the data that the model learnt from",
        ));
    };
    let asked = args.image_size.map(|size| size as usize);
    let image_size = asked.or_else(|| learnt.and_then(|data| data.image_size));
    let options = DataOptions { image_size, ..learnt.map(DataConfig::options).unwrap_or_default() };
    Ok(data::open(&name, args.split.into(), &options)?)
}

fn clip(range: f64) -> Result<Clip> {
    match range {
        0.0 => Ok(Clip::Off),
        range if range > 0.0 && range.is_finite() => Ok(Clip::At(range)),
        _ => Err(Failure::user(
            format!("{range} is no range"),
            "--clip",
            "give a number above 0, or 0 for none",
        )),
    }
}

/// The bound for a person: its parts, some terms, some points of the rate–distortion curve.
fn print(estimate: &BoundEstimate, console: Console) -> Result<()> {
    let row = |name: &str, mean: f64, error: Option<f64>| {
        let error = error.map_or(String::new(), |error| format!(" ± {error:.6}"));
        let mean =
            if mean != 0.0 && mean.abs() < 1e-4 { format!("{mean:.1e}") } else { format!("{mean:.6}") };
        console.print(format!("  {name:<34}{mean:>12}{error}"))
    };
    console.print(format!("bits per dimension, over {}", counted(estimate.pictures, "picture")))?;
    row("L_T", estimate.prior.mean, estimate.prior.std_error)?;
    row("Σ L_{t−1}", estimate.middle.mean, estimate.middle.std_error)?;
    row("  of which the variance costs", estimate.constant.mean, estimate.constant.std_error)?;
    row("L_0", estimate.decoder.mean, estimate.decoder.std_error)?;
    row("total", estimate.total.mean, estimate.total.std_error)?;
    console.print("terms at t = ")?;
    for term in some(&estimate.terms) {
        row(&format!("  {}", term.t), term.bits.mean, term.bits.std_error)?;
    }
    console.print("sent before x_t is known, and how far x̂_0 is off then (of 255)")?;
    for point in some(&estimate.rate_distortion) {
        console.print(format!("  t = {:<7}{:>12.6} bits{:>10.2}", point.t, point.rate, point.rmse))?;
    }
    Ok(())
}

/// About [`ROWS`] of the items, the first and the last among them.
fn some<T>(items: &[T]) -> impl Iterator<Item = &T> {
    let last = items.len().saturating_sub(1);
    let rows = ROWS.min(items.len());
    (0..rows).map(move |row| &items[row * last / (rows - 1).max(1)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn some_rows_reach_from_end_to_end() {
        let items: Vec<usize> = (0..1000).collect();
        let rows: Vec<usize> = some(&items).copied().collect();
        assert_eq!((rows.len(), rows[0], rows[ROWS - 1]), (ROWS, 0, 999));
        assert!(some(&items[..3]).eq(&items[..3]));
        assert_eq!(some(&items[..1]).count(), 1);
        assert_eq!(some(&items[..0]).count(), 0);
    }
}
