//! A model that the page has chosen.

use super::shelf::Shelf;
use crate::error::Result;
use crate::models::sizeless;
use crate::pictures::Colour;
use serde::Serialize;
use std::path::Path;
use std::sync::Arc;
use tweedie_diffusion::{SamplerAbout, SamplerKind};
use tweedie_train::Model;
use tweedie_train::config::SamplingConfig;

/// Pictures of one request at most, and points: all of them go through the network together.
const MOST: usize = 25;
const MOST_POINTS: usize = 1000;

/// What the page knows of a model before it paints.
#[derive(Serialize)]
pub(super) struct Described {
    name: String,
    parameters: usize,
    shape: [usize; 3],
    /// Pictures, or points, of one request at most.
    most: usize,
    classes: Option<Vec<String>>,
    words: Option<Vec<String>>,
    guided: bool,
    sampler: SamplerKind,
    steps: usize,
    guidance: f64,
    samplers: Vec<SamplerAbout>,
    notes: Vec<String>,
}

/// What the page is to know of the model of this name.
///
/// # Errors
/// What is no model, or none that can be drawn.
pub(super) fn described(shelf: &Shelf, name: &str) -> Result<Described> {
    let model = drawable(shelf, name, true)?;
    let SamplingConfig { sampler, steps, guidance, .. } = model.sampling()?;
    let known = |kind: &&SamplerKind| model.sampling_by(Some(**kind)).is_ok();
    Ok(Described {
        name: name.to_string(),
        parameters: model.num_parameters(),
        shape: model.shape(),
        most: most(&model)?,
        classes: model.classes().map(<[String]>::to_vec),
        words: model.words().map(<[String]>::to_vec),
        guided: model.can_be_guided(),
        sampler,
        steps,
        guidance,
        samplers: SamplerKind::ALL.iter().filter(known).map(|kind| kind.described()).collect(),
        notes: model.notes().to_vec(),
    })
}

/// Whether the model is one of points of the plane.
///
/// # Errors
/// One of pictures that cannot be drawn.
pub(super) fn is_of_points(model: &Model) -> Result<bool> {
    Ok(Colour::of_shape(model.shape())? == Colour::Point)
}

/// Pictures, or points, of one request at most.
///
/// # Errors
/// As [`is_of_points`].
pub(super) fn most(model: &Model) -> Result<usize> {
    Ok(if is_of_points(model)? { MOST_POINTS } else { MOST })
}

/// The model of this name, whose pictures have a size and one or three channels, or are points of the plane.
///
/// # Errors
/// Another, or none.
pub(super) fn drawable(shelf: &Shelf, name: &str, averaged: bool) -> Result<Arc<Model>> {
    let model = shelf.model(name, averaged)?;
    if model.shape()[1] == 0 {
        return Err(sizeless(Path::new(name), "write it into its config.json"));
    }
    is_of_points(&model)?;
    Ok(model)
}
