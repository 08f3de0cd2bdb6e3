//! What pictures are to show.

use crate::commands::{captions, classes};
use crate::error::Result;
use tweedie_diffusion::Condition;
use tweedie_train::Model;

/// What `n` pictures are to show: the class that is named, or the model's in turn where none is; the caption, which may be empty.
///
/// # Errors
/// A class or a word that the model does not know, or any of a model that knows none.
pub(super) fn shown(model: &Model, class: &str, caption: &str, n: usize) -> Result<Condition> {
    let given = |text: &str| Vec::from_iter((!text.trim().is_empty()).then(|| text.to_string()));
    Ok(Condition {
        classes: classes::resolve_or_in_turn(&given(class), model.classes(), n)?,
        captions: captions::resolve(&given(caption), model.words(), n)?,
    })
}
