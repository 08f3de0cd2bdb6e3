//! The sample grids on the way.

use super::amounts::{GRID_COLUMNS, GRID_ROWS, GRID_STEPS, grid_columns, grid_pictures};
use super::trainer::Trainer;
use crate::Result;
use crate::config::Config;
use crate::data::Source;
use crate::model::SampleRequest;
use tweedie_diffusion::Condition;
use tweedie_tensor::Tensor;

/// The captions that the sample grids of a network that reads captions show: those of the first pictures.
pub(super) fn captions(config: &Config, source: &dyn Source) -> Option<Vec<Vec<usize>>> {
    let first = || (0..GRID_ROWS * GRID_COLUMNS).map(|i| source.caption(i % source.len())).collect();
    config.model.caption.as_ref().map(|_| first())
}

/// A grid of samples of the averaged weights, from the same noise each time: the pictures, and how many stand in a row.
/// Nothing if `is_stopped` before it is done.
pub(super) fn sample(
    trainer: &Trainer,
    captions: Option<&[Vec<usize>]>,
    is_stopped: &mut dyn FnMut() -> bool,
) -> Result<Option<(Tensor<f32>, usize)>> {
    let config = trainer.config();
    let model = trainer.model()?;
    let (n, columns) = (grid_pictures(config), grid_columns(config));
    let mut sampling = model.sampling()?;
    sampling.steps = GRID_STEPS.min(config.diffusion.timesteps);
    let classes = model.classes().map(|classes| (0..n).map(|i| i % classes.len()).collect());
    let captions = captions.map(|captions| captions.iter().cycle().take(n).cloned().collect());
    let request = SampleRequest {
        n,
        first: 0,
        x_t: None,
        condition: Condition { classes, captions },
        seed: config.train.seed,
        sampling,
    };
    let mut painting = model.sample(&request)?;
    while !is_stopped() {
        match painting.next() {
            Some(state) => drop(state?),
            None => return Ok(Some((painting.finish()?, columns))),
        }
    }
    Ok(None)
}
