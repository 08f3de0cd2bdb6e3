//! `tweedie edit`: pictures changed with a model.

mod editing;
mod inpaint;
mod interpolate;
mod invert;
mod vary;

use crate::args::EditWhat;
use crate::console::Console;
use crate::error::Result;

/// Edits.
///
/// # Errors
/// Whatever the user can mend; [`Failure::Interrupted`](crate::error::Failure::Interrupted) on Ctrl-C.
pub(crate) fn edit(what: &EditWhat, seed: u64, console: Console) -> Result<()> {
    match what {
        EditWhat::Inpaint(args) => inpaint::inpaint(args, seed, console),
        EditWhat::Vary(args) => vary::vary(args, seed, console),
        EditWhat::Interpolate(args) => interpolate::interpolate(args, seed, console),
        EditWhat::Invert(args) => invert::invert(args, seed, console),
    }
}
