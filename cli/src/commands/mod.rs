//! What the program does, a file for each command.

mod bench;
mod captions;
mod classes;
mod edit;
mod eval;
mod inspect;
mod noise;
mod plan;
mod predict;
mod sample;
mod shell;
mod train;
mod verify;

use crate::console::Console;
use crate::error::{Failure, Result};
use std::path::Path;
use tweedie_train::Model;

pub(crate) use bench::bench;
pub(crate) use edit::edit;
pub(crate) use eval::eval;
pub(crate) use inspect::inspect;
pub(crate) use plan::plan;
pub(crate) use predict::predict;
pub(crate) use sample::sample;
pub(crate) use shell::{completions, man};
pub(crate) use train::train;
pub(crate) use verify::verify;

/// Opens a MODEL, and says what was chosen on the way.
///
/// # Errors
/// What is no model.
fn open_any(path: &Path, ema: bool, console: Console) -> Result<Model> {
    let model = Model::open(path, ema)?;
    for note in model.notes() {
        console.say(format!("note: {note}"));
    }
    Ok(model)
}

/// As [`open_any`], a model that says how large its pictures are.
///
/// # Errors
/// As [`open_any`]; a model that does not.
fn open(path: &Path, ema: bool, console: Console) -> Result<Model> {
    let model = open_any(path, ema, console)?;
    if model.shape()[1] == 0 {
        return Err(sizeless(path, "write it into its config.json"));
    }
    Ok(model)
}

/// The refusal of a model that does not say how large its pictures are.
fn sizeless(path: &Path, remedy: &str) -> Failure {
    Failure::user(format!(
        "the model does not say how large its pictures are (sample_size is null), {}: {remedy}",
        path.display()
    ))
}

/// How many pictures go through the network at a time, so that memory does not grow with how many are asked for:
/// 64 of 32×32, fewer of larger ones. What is computed does not depend on it.
fn pictures_at_a_time([_, height, width]: [usize; 3]) -> usize {
    const PIXELS: usize = 64 * 32 * 32;
    (PIXELS / (height * width).max(1)).clamp(1, 64)
}
