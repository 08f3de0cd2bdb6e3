//! Points of the plane, and what stands behind them: how dense the data lie at each level of noise.

use crate::error::Result;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use tweedie_diffusion::Level;
use tweedie_diffusion::plane::{Grid, density};
use tweedie_tensor::Tensor;
use tweedie_train::Model;
use tweedie_train::data::{self, read_batch};

/// Half the side of the square that is drawn: standardised points, and noise, lie within it.
pub(super) const HALF: f64 = 3.5;
/// Cells of a density along each side, and how far it is blurred, in cells, so that none of its peaks falls between two.
const CELLS: usize = 64;
const BLUR: f64 = 0.7;
/// Points of the data that a density is computed from: as many as a step has time for.
const MOST: usize = 4000;

/// A square of the plane, as the page draws it behind points.
#[derive(Serialize)]
pub(super) struct Square {
    half: f64,
    /// The root of the density, so that thin places are seen, 255 where it is highest: bytes in base64, cell by cell from the
    /// upper left. None where the data are no longer there.
    density: Option<String>,
}

/// The data behind a model's points.
pub(super) struct Behind(Option<Tensor<f32>>);

impl Behind {
    /// What the model has learnt from, if that is still there.
    pub(super) fn of(model: &Model) -> Behind {
        let learnt = model.data().and_then(|of| data::open(&of.source, of.split, &of.options()).ok());
        let first = |source: &dyn data::Source| -> Vec<usize> { (0..source.len().min(MOST)).collect() };
        Behind(learnt.and_then(|source| Some(read_batch(&*source, &first(&*source)).ok()?.x)))
    }

    /// The square that shows samples at a level of noise, larger where that spreads them beyond the data.
    ///
    /// # Errors
    /// None for a level of a schedule.
    pub(super) fn at(&self, level: Level) -> Result<Square> {
        let half = HALF * level.signal.hypot(level.noise).max(1.0);
        let grid = Grid::square(half, CELLS);
        let Some(points) = &self.0 else { return Ok(Square { half, density: None }) };
        let values = density(points, level, BLUR * grid.cell()[0], &grid)?;
        let highest = values.iter().copied().fold(f64::MIN_POSITIVE, f64::max);
        let byte = |value: &f64| ((value / highest).sqrt() * 255.0).round() as u8;
        let bytes: Vec<u8> = values.chunks(CELLS).rev().flatten().map(byte).collect();
        Ok(Square { half, density: Some(STANDARD.encode(bytes)) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_density_is_highest_where_the_data_lie() {
        // One point, right of the middle and high.
        let data = Tensor::from_slice([1, 2, 1, 1], &[1.0, 2.0]).unwrap();
        let level = Level { signal: 0.8, noise: 0.6 };
        let Square { half, density } = Behind(Some(data)).at(level).unwrap();
        assert_eq!(half, HALF);
        let bytes = STANDARD.decode(density.unwrap()).unwrap();
        assert_eq!(bytes.len(), CELLS * CELLS);
        let highest = bytes.iter().position(|&byte| byte == 255).unwrap();
        let cell = |x: f64| ((x + HALF) / (2.0 * HALF) * CELLS as f64) as usize;
        assert_eq!([highest % CELLS, highest / CELLS], [cell(0.8), cell(-1.6)]);
        let spread = Behind(None).at(Level { signal: 1.0, noise: 80.0 }).unwrap();
        assert!(spread.half > 80.0 * HALF && spread.density.is_none());
    }
}
