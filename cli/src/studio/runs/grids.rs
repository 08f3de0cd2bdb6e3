//! The grids of samples that a run has painted.

use super::super::shelf::Shelf;
use crate::error::{Failure, Result};
use crate::report::grid_files;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use std::fs;

/// Which grid of samples, of which run.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct Request {
    name: String,
    step: u64,
}

/// A grid of samples: a PNG in base64.
#[derive(Serialize)]
pub(in super::super) struct Grid {
    png: String,
}

/// The grid that a run painted after a step.
///
/// # Errors
/// No such run; a step without a grid, or whose grid has been deleted.
pub(in super::super) fn grid(shelf: &Shelf, request: &Request) -> Result<Grid> {
    let Request { name, step } = request;
    let files = grid_files(&shelf.path(name)?.join("samples"));
    let png = files.iter().find(|(of, _)| of == step).and_then(|(_, file)| fs::read(file).ok());
    match png {
        Some(png) => Ok(Grid { png: STANDARD.encode(png) }),
        None => {
            Err(Failure::user(format!("the samples after step {step} are gone"), name, "choose another step"))
        }
    }
}
