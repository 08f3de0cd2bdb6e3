//! The newest checkpoint that is whole.

use super::names::{name_of, path_of, step_of, steps, steps_in};
use crate::{Error, Result};
use std::path::{Path, PathBuf};

/// What `read` gets from the newest checkpoint of a run that it can read, and a line on each newer one that it cannot.
///
/// # Errors
/// No checkpoint, none that is whole, one of a newer program.
pub(crate) fn newest<V>(run: &Path, mut read: impl FnMut(&Path) -> Result<V>) -> Result<(V, Vec<String>)> {
    let mut damaged: Vec<(u64, String)> = Vec::new();
    for step in steps(run)?.into_iter().rev() {
        match read(&path_of(run, step)) {
            Ok(value) => {
                let note = |(damaged, why): &(u64, String)| {
                    format!("{} {why}: step-{step:08} is used; remove it", name_of(*damaged))
                };
                return Ok((value, damaged.iter().map(note).collect()));
            }
            Err(error @ Error::Newer { .. }) => return Err(error),
            Err(error) => damaged.push((step, error.user_error().what)),
        }
    }
    match damaged.first() {
        Some((step, why)) => Err(Error::model(
            format!("no checkpoint is whole: {} {why}", name_of(*step)),
            run,
            "put a whole one there, or train again with another --out",
        )),
        None => Err(without(run)),
    }
}

/// The newest checkpoint of a run directory, by its name.
///
/// # Errors
/// A folder that is missing, or is neither a run nor anything else that holds a model.
pub fn newest_checkpoint(run: &Path) -> Result<PathBuf> {
    steps(run)?.last().map(|&step| path_of(run, step)).ok_or_else(|| without(run))
}

/// That a folder has no checkpoint.
fn without(run: &Path) -> Error {
    let (what, remedy) = match run.exists() {
        true => (
            "no checkpoint in the folder",
            "give a run directory that was trained, a checkpoint file, or a diffusers folder",
        ),
        false => ("no such file or folder", "give a run directory, a checkpoint file, or a diffusers folder"),
    };
    Error::model(what, run, remedy)
}

/// `error` about the checkpoint at `path`, which was given by its name; what to do about it names the newest one beside it
/// that `read` can read.
pub(crate) fn whole_beside<V>(error: Error, path: &Path, mut read: impl FnMut(&Path) -> Result<V>) -> Error {
    let (Some(given), Some(folder)) = (step_of(path), path.parent()) else { return error };
    let others = steps_in(folder).unwrap_or_default().into_iter().rev().filter(|&step| step != given);
    let whole = others.map(name_of).find(|name| read(&folder.join(name)).is_ok());
    match whole {
        Some(name) => {
            Error::model(error.user_error().what, path, format!("take {name} beside it, which is whole"))
        }
        None => error,
    }
}
