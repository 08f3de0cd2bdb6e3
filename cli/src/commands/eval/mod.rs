//! `tweedie eval`: models, measured.

mod bpd;
mod captions;
mod classes;
mod classifier;
mod frechet;
mod judge;
mod real;
mod rounded;
mod terms_chart;

use crate::args::EvalWhat;
use crate::console::Console;
use crate::error::Result;

/// Measures.
///
/// # Errors
/// Whatever the user can mend.
pub(crate) fn eval(what: &EvalWhat, seed: u64, console: Console) -> Result<()> {
    match what {
        EvalWhat::Bpd(args) => bpd::bpd(args, seed, console),
        EvalWhat::Captions(args) => captions::captions(args, seed, console),
        EvalWhat::Frechet(args) => frechet::frechet(args, seed, console),
        EvalWhat::Classes(args) => classes::classes(args, seed, console),
    }
}
