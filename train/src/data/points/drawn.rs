use super::super::error::DataError;
use super::super::index::Index;
use super::super::options::Split;
use super::super::source::Source;
use super::point::{SHAPE, write_bytes};
use tweedie_diffusion::plane::Distribution;

/// Which points are drawn: one more with each change of any.
const VERSION: u32 = 1;
/// Points of each part.
const POINTS: usize = 10_000;

/// Points of a distribution of the plane, each a pure function of (split, index).
pub(super) struct Drawn {
    distribution: Distribution,
    split: Split,
    classes: [String; 1],
}

impl Drawn {
    /// 10,000 points to train on, or as many others to test with.
    pub(super) fn new(distribution: Distribution, split: Split) -> Drawn {
        Drawn { distribution, split, classes: [distribution.name().to_string()] }
    }

    fn point(&self, index: usize) -> Result<[f32; 2], DataError> {
        match index {
            index if index < POINTS => {
                Ok(self.distribution.point(self.split as u64, index as u64).map(|x| x as f32))
            }
            index => Err(DataError::Index { index, pictures: POINTS }),
        }
    }
}

impl Source for Drawn {
    fn len(&self) -> usize {
        POINTS
    }

    fn shape(&self) -> [usize; 3] {
        SHAPE
    }

    fn classes(&self) -> &[String] {
        &self.classes
    }

    fn list(&self, index: &mut Index<'_>) -> Result<(), DataError> {
        index.drawn(&format!("{}, {}", self.distribution, self.split.name()), VERSION);
        Ok(())
    }

    fn read(&self, index: usize, out: &mut [u8]) -> Result<usize, DataError> {
        write_bytes(self.point(index)?, out);
        Ok(0)
    }

    fn values(&self, index: usize, out: &mut [f32]) -> Result<usize, DataError> {
        out.copy_from_slice(&self.point(index)?);
        Ok(0)
    }
}
