//! `tweedie inspect`: what is inside, as tables, charts and pictures.

mod data;
mod forward;
mod model;
mod pictures;
mod plane;
mod results;
mod run;
mod schedule;
mod spectrum;

use crate::args::InspectWhat;
use crate::console::Console;
use crate::error::Result;

/// Looks.
///
/// # Errors
/// Whatever the user can mend.
pub(crate) fn inspect(what: &InspectWhat, seed: u64, console: Console) -> Result<()> {
    match what {
        InspectWhat::Schedule(args) => schedule::schedule(args, console),
        InspectWhat::Forward(args) => forward::forward(args, seed, console),
        InspectWhat::Spectrum(args) => spectrum::spectrum(args, seed, console),
        InspectWhat::Model(args) => model::model(args, console),
        InspectWhat::Data(args) => data::data(args, seed, console),
        InspectWhat::Run(args) => run::run(args, console),
        InspectWhat::Plane(args) => plane::plane(args, seed, console),
    }
}
