//! `tweedie inspect`: what is inside, as tables, charts and pictures.

mod data;
mod forward;
mod pictures;
mod schedule;
mod spectrum;

use crate::args::{ChartFile, InspectWhat, PictureFile};
use crate::console::Console;
use crate::error::{Failure, Result};
use crate::output;
use crate::report::Document;
use tweedie_diffusion::{Schedule, ScheduleConfig, ScheduleKind};

/// Looks.
///
/// # Errors
/// Whatever the user can mend.
pub(crate) fn inspect(what: &InspectWhat, seed: u64, console: Console) -> Result<()> {
    match what {
        InspectWhat::Schedule(args) => schedule::schedule(args, console),
        InspectWhat::Forward(args) => forward::forward(args, seed, console),
        InspectWhat::Spectrum(args) => spectrum::spectrum(args, seed, console),
        InspectWhat::Data(args) => data::data(args, seed, console),
    }
}

/// The schedule of a family that the command line names.
fn build(kind: ScheduleKind, timesteps: usize) -> Result<Schedule> {
    let config = ScheduleConfig { kind, timesteps, ..ScheduleConfig::default() };
    config.build().map_err(|error| {
        Failure::user(format!("{error}, --schedule {kind} --timesteps {timesteps}: give others"))
    })
}

/// Writes the charts as what the file's ending asks for.
fn write_charts(out: &ChartFile, document: &Document, console: Console) -> Result<()> {
    let text = match out {
        ChartFile::Svg(_) => document.svg(),
        ChartFile::Html(_) => document.html(),
    };
    output::write(out.path(), text.as_bytes())?;
    console.say(format!("in {}", out.path().display()));
    Ok(())
}

/// Writes the picture, or the page that it stands on.
fn write_pictures(out: &PictureFile, png: &[u8], document: &Document, console: Console) -> Result<()> {
    match out {
        PictureFile::Png(path) => output::write(path, png)?,
        PictureFile::Html(path) => output::write(path, document.html().as_bytes())?,
    }
    console.say(format!("in {}", out.path().display()));
    Ok(())
}

/// Five digits, with an exponent where the number is small.
fn digits(x: f64) -> String {
    match x.abs() {
        0.0 => "0".to_string(),
        size if size < 1e-3 => format!("{x:.3e}"),
        _ => format!("{x:.5}"),
    }
}
