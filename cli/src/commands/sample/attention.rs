//! `--attention`: where the model looks for each word.

use crate::error::{Failure, Result};
use crate::output;
use crate::pictures::{Pictures, grid_png};
use std::path::Path;
use tweedie_diffusion::Condition;
use tweedie_tensor::{Tensor, ops};
use tweedie_train::Model;

/// Pictures that are drawn at most, a row each.
const ROWS: usize = 8;

/// The first pictures that are painted, until there are enough.
pub(super) struct FirstPictures {
    wanted: usize,
    taken: Vec<Tensor<f32>>,
}

impl FirstPictures {
    /// Of `n` pictures, `at_a_time` of which fit through the network at once.
    pub(super) fn new(n: usize, at_a_time: usize) -> FirstPictures {
        FirstPictures { wanted: ROWS.min(n).min(at_a_time), taken: Vec::new() }
    }

    /// Takes what it needs of the next batch; all of them once they are there.
    ///
    /// # Errors
    /// Pictures of another shape than those before.
    pub(super) fn take(&mut self, batch: &Tensor<f32>) -> Result<Option<Tensor<f32>>> {
        let taken = self.wanted.min(batch.dims()[0]);
        if taken == 0 {
            return Ok(None);
        }
        self.taken.push(ops::narrow(batch, 0, 0, taken)?);
        self.wanted -= taken;
        match self.wanted {
            0 => Ok(Some(ops::concat(&self.taken.iter().collect::<Vec<_>>(), 0)?)),
            _ => Ok(None),
        }
    }
}

/// Writes a grid of the first `pictures`: each as it is, then once for every word of the longest caption, lit where the
/// word is looked for. The place that looks most is as bright as the picture.
///
/// # Errors
/// A model that attends to no captions; a file that cannot be written.
pub(super) fn write(
    path: &Path,
    model: &Model,
    pictures: &Tensor<f32>,
    condition: &Condition,
    seed: u64,
) -> Result<()> {
    let rows = pictures.dims()[0];
    let condition = condition.part(0, rows);
    let words = condition.captions.iter().flatten().map(Vec::len).max().unwrap_or(0);
    if words == 0 {
        return Err(Failure::user("no word to look for", "--attention", "give a --caption with words"));
    }
    let shares = model.attention(pictures, &condition, seed)?;
    let [_, channels, height, width] = pictures.shape().nchw("attention")?;
    let (area, tokens) = (height * width, shares.dims()[1]);
    let mut grid = Vec::with_capacity(rows * (1 + words) * channels * area);
    for (picture, shares) in
        pictures.as_slice().chunks(channels * area).zip(shares.as_slice().chunks(tokens * area))
    {
        grid.extend_from_slice(picture);
        for share in shares.chunks(area).take(words) {
            let most = share.iter().fold(f32::MIN_POSITIVE, |most, share| most.max(*share));
            grid.extend(picture.iter().enumerate().map(|(i, x)| (x + 1.0) * share[i % area] / most - 1.0));
        }
    }
    let grid = Tensor::from_slice([rows * (1 + words), channels, height, width], &grid)?;
    let picture = grid_png(&Pictures::from_tensor(&grid)?, 1 + words)?;
    output::write(path, &picture)
}
