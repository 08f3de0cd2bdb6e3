use super::pass::Pass;
use super::pictures::Pictures;
use crate::cluster::Turn;
use crate::data::{POINT, Source};
use crate::model::Model;
use crate::{Error, Result};
use std::ops::Range;
use tweedie_diffusion::{Bound, BoundBatch, BoundEstimator, BoundTerms, Clip, Decoder, VarianceKind};

/// How the bound is to be measured.
#[derive(Debug, Clone)]
pub struct BoundRequest {
    /// How many pictures; the set's length if it has fewer.
    pub pictures: usize,
    /// How many go through the network at a time. The result does not depend on it.
    pub at_a_time: usize,
    /// At how many indices each picture is looked at, beside the first.
    pub per_picture: usize,
    /// The variance of reverse steps on which the model has no say.
    pub variance: VarianceKind,
    /// What is done to x̂_0.
    pub clip: Clip,
    /// The last step.
    pub decoder: Decoder,
    /// Which pictures, which indices and which noise.
    pub seed: u64,
}

/// Measures the model's variational bound on pictures of `source`: of `turn`'s part of them.
///
/// # Errors
/// Data that do not fit the model; points of the plane, which are no bytes. The iterator's own errors are data that cannot
/// be read, and outputs that are not finite.
pub fn bound<'a>(
    model: &'a Model,
    source: &'a dyn Source,
    request: &BoundRequest,
    turn: Turn,
) -> Result<BoundMeasurement<'a>> {
    if model.shape() == POINT {
        return Err(Error::config(
            "points of the plane are no bytes, of which bits could be counted",
            "eval bpd",
            "inspect plane holds their model against the exact answer",
        ));
    }
    let bound = Bound::new(model.schedule()?, request.variance).clip(request.clip).decoder(request.decoder);
    let estimator = BoundEstimator::new(bound, request.per_picture, request.seed)?;
    let ranges: Vec<Range<usize>> =
        turn.ranges(request.pictures.min(source.len()), request.at_a_time).collect();
    Ok(BoundMeasurement {
        model,
        pictures: Pictures::new(model, source, request.seed)?,
        all_passes: ranges.iter().map(Range::len).sum::<usize>() * estimator.evaluations(),
        estimator,
        ranges: ranges.into_iter(),
        batch: None,
        passes: 0,
    })
}

/// A measurement of the bound: an iterator over the passes of the network. What its batches come to makes the
/// [estimate](BoundMeasurement::estimator).
pub struct BoundMeasurement<'a> {
    model: &'a Model,
    estimator: BoundEstimator<'a>,
    pictures: Pictures<'a>,
    /// The batches that are not read.
    ranges: std::vec::IntoIter<Range<usize>>,
    /// The one that was read, until the network has been asked for every term.
    batch: Option<Batch>,
    /// Passes of the network, a picture each: those that were made, and all.
    passes: usize,
    all_passes: usize,
}

/// A batch, how many pictures it has, and how often the network has been asked about it.
struct Batch {
    pictures: BoundBatch<f32>,
    count: usize,
    asked: usize,
}

impl<'a> BoundMeasurement<'a> {
    /// What gathers the batches' terms, and estimates the bound from them. It has none yet.
    pub fn estimator(&self) -> BoundEstimator<'a> {
        self.estimator.clone()
    }

    fn read(&mut self, range: Range<usize>) -> Result<Batch> {
        let (first, count) = (range.start as u64, range.len());
        let (batch, condition) = self.pictures.read(range)?;
        Ok(Batch { pictures: self.estimator.begin(batch.x, condition, first)?, count, asked: 0 })
    }

    /// Asks the network about the current batch, or the next one. None where there is no other.
    fn pass(&mut self) -> Result<Option<Pass<BoundTerms>>> {
        let mut batch = match self.batch.take() {
            Some(batch) => batch,
            None => match self.ranges.next() {
                Some(range) => self.read(range)?,
                None => return Ok(None),
            },
        };
        self.estimator.ask(&mut batch.pictures, self.model)?;
        batch.asked += 1;
        self.passes += batch.count;
        let share = self.passes as f64 / self.all_passes as f64;
        if batch.asked == self.estimator.evaluations() {
            return Ok(Some(Pass { share, done: self.estimator.finish(batch.pictures) }));
        }
        self.batch = Some(batch);
        Ok(Some(Pass { share, done: None }))
    }
}

impl Iterator for BoundMeasurement<'_> {
    type Item = Result<Pass<BoundTerms>>;

    fn next(&mut self) -> Option<Result<Pass<BoundTerms>>> {
        let pass = self.pass().transpose();
        if matches!(pass, Some(Err(_))) {
            self.ranges = Vec::new().into_iter();
        }
        pass
    }
}
