//! What there is in a run directory, and whether it is whole.

use crate::checkpoint::{self, Header};
use crate::weights_digest::of_weights;
use crate::{Change, Config, Error, Owner, Result, RunLock, data, files};
use serde::Serialize;
use sha2::Digest;
use std::fs;
use std::path::{Path, PathBuf};
use tweedie_nn::weights::WeightFile;
use tweedie_nn::{Builder, Network};

/// The configuration of a run by the newest checkpoint whose header is whole.
///
/// # Errors
/// No checkpoint, or none that is whole.
pub fn saved_config(run: &Path) -> Result<Config> {
    let (header, _) = checkpoint::newest(run, |path| Ok(checkpoint::read(path)?.0))?;
    Ok(header.config)
}

/// What a run directory holds.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Inspected {
    /// Its checkpoints, oldest first.
    pub checkpoints: Vec<Condition>,
    /// The step of the newest that is whole.
    pub newest_whole: Option<u64>,
    /// The step of the best that is whole: the lowest loss on pictures held out, or of training where none are.
    pub best: Option<u64>,
    /// What later sessions changed of its configuration, by the newest checkpoint that is whole.
    pub changes: Vec<Change>,
    /// The process that trains in it; `None` where none does, or where the file system locks nothing.
    pub held_by: Option<Owner>,
    /// Half-written files that no process goes on with.
    pub leftovers: Vec<PathBuf>,
}

/// What a checkpoint is like.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Condition {
    /// The step that it is named after.
    pub step: u64,
    /// Its size in bytes.
    pub bytes: u64,
    /// What is wrong with it; `None` if it is whole.
    pub problem: Option<String>,
    /// Whether it has checksums, which those of old versions have not: of these, only the form is checked.
    pub has_checksums: bool,
    /// The mean loss of training before it.
    pub loss: Option<f64>,
    /// The loss on pictures held out, last measured at or before it.
    pub validation: Option<f64>,
    /// Seconds that the run had taken.
    pub seconds: Option<f64>,
    /// SHA-256 of its weights' names, shapes and bits, as a run's [`Summary`](crate::Summary) has it; `None` if it is not whole.
    pub weights_digest: Option<String>,
}

/// Reads every checkpoint of the run in `run` whole.
///
/// # Errors
/// A folder that is missing or has no checkpoints.
pub fn inspect_run(run: &Path) -> Result<Inspected> {
    let steps = checkpoint::steps(run)?;
    if steps.is_empty() {
        return Err(Error::model(
            "no checkpoint in the folder",
            run,
            "give a run directory that was trained",
        ));
    }
    let looked: Vec<(Condition, Option<Header>)> = steps.iter().map(|&step| look(run, step)).collect();
    let whole = looked.iter().filter(|(condition, _)| condition.problem.is_none());
    let headers = whole.filter_map(|(condition, header)| Some((condition.step, header.as_ref()?)));
    let changes = headers.clone().next_back().map(|(_, header)| header.changes.clone()).unwrap_or_default();
    let best = headers.fold(None, |best, (step, header)| checkpoint::better(best, step, header));
    let checkpoints: Vec<Condition> = looked.into_iter().map(|(condition, _)| condition).collect();
    let newest_whole = checkpoints.iter().rfind(|condition| condition.problem.is_none());
    Ok(Inspected {
        newest_whole: newest_whole.map(|condition| condition.step),
        best: best.map(|(step, _)| step),
        checkpoints,
        changes,
        held_by: RunLock::owner(run),
        leftovers: files::half_written(run),
    })
}

/// Reads the checkpoint of a step whole.
fn look(run: &Path, step: u64) -> (Condition, Option<Header>) {
    let path = checkpoint::path_of(run, step);
    let read = checkpoint::read(&path);
    let verified = read.as_ref().ok().map(|(_, file)| file.verify().map_err(Error::from));
    let problem = match (&read, &verified) {
        (Err(error), _) | (_, Some(Err(error))) => Some(error.user_error().what),
        _ => None,
    };
    let whole = read.as_ref().ok().filter(|_| problem.is_none());
    let weights_digest = whole.and_then(|(header, file)| weights_digest(header, file).ok());
    let has_checksums = read.as_ref().is_ok_and(|(_, file)| file.is_checked());
    let header = read.ok().map(|(header, _)| header);
    let condition = Condition {
        step,
        bytes: fs::metadata(&path).map_or(0, |about| about.len()),
        problem,
        has_checksums,
        loss: header.as_ref().map(|header| header.loss),
        validation: header.as_ref().and_then(|header| Some(header.validation?.loss)),
        seconds: header.as_ref().map(|header| header.seconds),
        weights_digest,
    };
    (condition, header)
}

/// The digest of a checkpoint's weights, as they are trained.
fn weights_digest(header: &Header, file: &WeightFile) -> Result<String> {
    let builder = Builder::new();
    Network::new(&header.config.model, &builder)?;
    let params = checkpoint::params(file, checkpoint::MODEL, &builder)?;
    Ok(data::hex(&of_weights(&params).finalize()))
}
