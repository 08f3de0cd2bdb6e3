//! Opening a MODEL.

use crate::console::Console;
use crate::error::{Failure, Result};
use std::path::Path;
use tweedie_train::Model;

/// Opens a MODEL, and says what was chosen on the way.
///
/// # Errors
/// What is no model.
pub(crate) fn open_any(path: &Path, ema: bool, console: Console) -> Result<Model> {
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
pub(crate) fn open(path: &Path, ema: bool, console: Console) -> Result<Model> {
    let model = open_any(path, ema, console)?;
    if model.shape()[1] == 0 {
        return Err(sizeless(path, "write it into its config.json"));
    }
    Ok(model)
}

/// The refusal of a model that does not say how large its pictures are.
pub(crate) fn sizeless(path: &Path, remedy: &str) -> Failure {
    Failure::user(
        "the model does not say how large its pictures are (sample_size is null)",
        path.display().to_string(),
        remedy,
    )
}
