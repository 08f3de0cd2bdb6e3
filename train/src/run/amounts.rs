//! How many pictures a run paints and validates on: what its plan counts as well.

use crate::config::Config;
use crate::data::POINT;
use tweedie_nn::unet::SampleSize;

/// Rows of the sample grids; each row shows every class once.
pub(crate) const GRID_ROWS: usize = 2;
/// Pictures in a row of an unconditional model's grids.
pub(crate) const GRID_COLUMNS: usize = 8;
/// Points in the sample picture of a run in the plane.
const GRID_POINTS: usize = 2000;
/// Steps of the grids' sampler: enough to judge by, few enough not to hold up the run.
pub(crate) const GRID_STEPS: usize = 20;
/// Pictures that a validation looks at.
pub(crate) const VALIDATED: usize = 64;
/// A validation comes after as many pictures of training as make it a thirtieth of the work: it passes 640 pictures
/// forward, and training passes each forward and back.
const PICTURES_BETWEEN_VALIDATIONS: u64 = 6_400;

/// Pictures in a row of a sample grid.
pub(crate) fn grid_columns(config: &Config) -> usize {
    let classes = if config.train.class_conditional { config.data.classes.len() } else { 0 };
    if classes > 0 { classes } else { GRID_COLUMNS }
}

/// Pictures of a sample grid.
pub(crate) fn grid_pictures(config: &Config) -> usize {
    let network = &config.model.backbone;
    let sides = network.sample_size().map(SampleSize::sides);
    match sides.map(|[height, width]| [network.in_channels(), height, width]) {
        Some(POINT) => GRID_POINTS,
        _ => GRID_ROWS * grid_columns(config),
    }
}

/// Passes of one picture through the network that a grid is.
pub(crate) fn grid_passes(config: &Config) -> f64 {
    let train = &config.train;
    let conditional = train.class_conditional || config.model.caption.is_some();
    let guided = conditional && train.label_dropout > 0.0 && config.sampling.guidance != 1.0;
    (grid_pictures(config) * GRID_STEPS * if guided { 2 } else { 1 }) as f64
}

/// How many bytes the pictures of a run's validations take, of this shape (channels, height, width).
pub(crate) fn validation_bytes(config: &Config, shape: [usize; 3]) -> u64 {
    let pictures = if config.train.validate_every == Some(0) { 0 } else { VALIDATED };
    shape.iter().fold((pictures * size_of::<f32>()) as u64, |bytes, &side| bytes.saturating_mul(side as u64))
}

/// Steps between validations where the configuration does not say.
pub(crate) fn steps_between_validations(batch: usize) -> u64 {
    (PICTURES_BETWEEN_VALIDATIONS / batch.max(1) as u64).max(1)
}
