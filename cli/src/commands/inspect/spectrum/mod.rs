//! `tweedie inspect spectrum`: what noise drowns first, and what a model paints first.

mod charts;
mod found;
mod table;

use super::pictures;
use super::results::{MEASURING, SPECTRUM, write_charts};
use super::schedule::build;
use crate::args::{InspectSpectrumArgs, SamplerArgs};
use crate::commands::classes;
use crate::commands::sampler_settings::settings;
use crate::console::Console;
use crate::error::{Failure, Result};
use crate::interrupt::Interrupt;
use crate::measuring;
use crate::models::open;
use crate::output;
use crate::painting::{Painted, Painter, pictures_at_a_time};
use found::{Found, Over};
use std::path::Path;
use tweedie_diffusion::ScheduleKind;
use tweedie_tensor::ops;
use tweedie_train::SampleRequest;
use tweedie_train::measure::spectrum::{NoisedSpectra, PaintedSpectra};
use tweedie_train::plan::{check_pictures, check_room};

/// Pictures of data that are looked at when nothing says how many, and pictures of a model.
const PICTURES: usize = 1000;
const PAINTED: usize = 8;

/// Measures, prints and draws.
///
/// # Errors
/// Whatever the user can mend; [`Failure::Interrupted`] on Ctrl-C.
pub(super) fn spectrum(args: &InspectSpectrumArgs, seed: u64, console: Console) -> Result<()> {
    if !(args.tolerance >= 0.0 && args.tolerance.is_finite()) {
        let tolerance = args.tolerance;
        return Err(Failure::user(format!("{tolerance} is out of range"), "--tolerance", "give 0 or more"));
    }
    let found = match &args.model {
        Some(path) => of_model(args, path, seed, console)?,
        None => of_pictures(args, seed, console)?,
    };
    table::print(&found, console)?;
    if let Some(out) = &args.out {
        write_charts(out, &charts::document(&found), console)?;
    }
    console.result(&found)
}

fn claim(args: &InspectSpectrumArgs) -> Result<()> {
    args.out.as_ref().map_or(Ok(()), |out| output::claim_file(out.path(), "--out"))
}

fn of_pictures(args: &InspectSpectrumArgs, seed: u64, console: Console) -> Result<Found> {
    if let Some(option) = given(&args.sampler, &args.class) {
        return Err(Failure::user("only models have a sampler", option, "leave it out, or give --model"));
    }
    let (kind, timesteps) = (args.schedule.unwrap_or(ScheduleKind::Linear), args.timesteps.unwrap_or(1000));
    let schedule = build(kind, timesteps)?;
    let (pictures, source) = pictures::open(&args.pictures, console)?;
    claim(args)?;
    let n = args.n.map_or(PICTURES, |n| n as usize).min(pictures.len());
    let indices = pictures::drawn(n, pictures.len(), seed)?;
    let at_a_time = pictures_at_a_time(pictures.shape());
    let [channels, height, width] = pictures.shape();
    let working = MEASURING * (at_a_time.min(n) * channels * height * width) as u64;
    let kept = NoisedSpectra::SPECTRA * SPECTRUM * (height + width) as u64;
    check_room(pictures.shape(), working, n, kept, "--n")?;
    let mut spectra = NoisedSpectra::new(&*pictures, indices, at_a_time, &schedule, seed)?;
    let interrupt = Interrupt::listen(console, "stopping");
    measuring::run(&mut spectra, "spectra", &interrupt, console)?;
    let (spectrum, drowning) = spectra.finish()?;
    Ok(Found { source, spectrum, over: Over::Schedule { schedule: kind, timesteps, drowning } })
}

/// The first option of a sampler that was given.
fn given(sampler: &SamplerArgs, class: &[String]) -> Option<&'static str> {
    let options = [
        ("--sampler", sampler.sampler.is_some()),
        ("--steps", sampler.steps.is_some()),
        ("--eta", sampler.eta.is_some()),
        ("--churn", sampler.churn.is_some()),
        ("--spacing", sampler.spacing.is_some()),
        ("--guidance", sampler.guidance.is_some()),
        ("--guidance-rescale", sampler.guidance_rescale.is_some()),
        ("--class", !class.is_empty()),
    ];
    options.into_iter().find(|(_, given)| *given).map(|(name, _)| name)
}

fn of_model(args: &InspectSpectrumArgs, path: &Path, seed: u64, console: Console) -> Result<Found> {
    let model = open(path, !args.no_ema, console)?;
    let sampling = settings(&args.sampler, &model)?;
    let n = args.n.map_or(PAINTED, |n| n as usize);
    let most = pictures_at_a_time(model.shape());
    if n > most {
        return Err(Failure::user(
            format!("{n} pictures of a model at once"),
            "--n",
            format!("give {most} or fewer"),
        ));
    }
    let (sampler, steps) = (sampling.sampler, sampling.steps);
    let kept = PaintedSpectra::bytes_per_picture(steps, model.shape());
    check_pictures(model.network_config(), n, n, kept, "--n")?;
    let classes = classes::resolve_or_in_turn(&args.class, model.classes(), n)?;
    claim(args)?;

    let condition = model.without_words(classes, n);
    let request = SampleRequest::new(n, condition, seed, sampling);
    let mut painter = Painter::new(console, Interrupt::listen(console, "stopping"), 1);
    let (mut spectra, mut batches) = (PaintedSpectra::new(steps), Vec::new());
    for painted in painter.paint(&request, n, "nothing was measured", |part| Ok(model.sample(part)?)) {
        match painted? {
            Painted::Step(state) => spectra.add(state),
            Painted::Batch { pictures, .. } => batches.push(pictures),
        }
    }
    painter.finish();
    let painted = ops::concat(&batches.iter().collect::<Vec<_>>(), 0)?;
    let (spectrum, settling) = spectra.finish(&painted, args.tolerance)?;
    let over = Over::Sampler { sampler, steps, tolerance: args.tolerance, settling };
    Ok(Found { source: path.display().to_string(), spectrum, over })
}
