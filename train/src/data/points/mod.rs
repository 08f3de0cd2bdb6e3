//! Points of the plane: pictures of two channels and one pixel, whose numbers are not bytes.

mod drawn;
mod file;
mod point;
mod table;

use super::error::DataError;
use super::options::{DataOptions, Split};
use super::source::Source;
use drawn::Drawn;
use file::Points;
pub(crate) use point::SHAPE;
use std::path::Path;
use std::sync::Arc;
use tweedie_diffusion::plane::Distribution;

/// The points that `data` names, a distribution or a file of two columns; `None` where it names neither.
///
/// # Errors
/// A file that is no table of points; an option that points cannot follow.
pub(super) fn open(
    data: &str,
    split: Split,
    options: &DataOptions,
) -> Result<Option<Arc<dyn Source>>, DataError> {
    let source: Arc<dyn Source> = match (data.parse::<Distribution>(), Path::new(data)) {
        (Ok(distribution), _) => Arc::new(Drawn::new(distribution, split)),
        (Err(_), path) if path.is_file() => Arc::new(Points::read(path)?),
        (Err(_), _) => return Ok(None),
    };
    if let Some(value) = options.image_size {
        let remedy = "leave it out: points of the plane have none";
        return Err(DataError::Option { name: "image size", value, remedy });
    }
    match options.channels {
        Some(value) if value != SHAPE[0] => {
            let remedy = "points of the plane have two: give the data, or the model, of pictures to both";
            Err(DataError::Option { name: "number of channels", value, remedy })
        }
        _ => Ok(Some(source)),
    }
}
