use super::pictures::Pictures;
use crate::Result;
use crate::data::Source;
use crate::model::Model;
use tweedie_diffusion::{Bound, BoundBatch, BoundEstimate, BoundEstimator, Clip, Decoder, VarianceKind};

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

/// Measures the model's variational bound on pictures of `source`.
///
/// # Errors
/// Data that do not fit the model. The iterator's own errors are data that cannot be read, and outputs that are not
/// finite.
pub fn bound<'a>(
    model: &'a Model,
    source: &'a dyn Source,
    request: &BoundRequest,
) -> Result<BoundMeasurement<'a>> {
    let bound = Bound::new(model.schedule()?, request.variance).clip(request.clip).decoder(request.decoder);
    Ok(BoundMeasurement {
        model,
        estimator: BoundEstimator::new(bound, request.per_picture, request.seed)?,
        pictures: Pictures::new(model, source, request.seed)?,
        n: request.pictures.min(source.len()),
        at_a_time: request.at_a_time.max(1),
        read: 0,
        batch: None,
        passes: 0,
    })
}

/// A measurement of the bound: an iterator over the passes of the network, which yields the share of them that is done.
pub struct BoundMeasurement<'a> {
    model: &'a Model,
    estimator: BoundEstimator<'a>,
    pictures: Pictures<'a>,
    n: usize,
    at_a_time: usize,
    /// Pictures that have been read.
    read: usize,
    /// The newest of them, and how many they are, until the network has been asked for every term.
    batch: Option<(BoundBatch<f32>, usize)>,
    /// Passes of the network, a picture each.
    passes: usize,
}

impl BoundMeasurement<'_> {
    /// The bound over the batches that are done.
    pub fn estimate(&self) -> BoundEstimate {
        self.estimator.estimate()
    }

    fn read(&mut self) -> Result<(BoundBatch<f32>, usize)> {
        let first = self.read;
        self.read = self.n.min(first + self.at_a_time);
        let (batch, condition) = self.pictures.read(first..self.read)?;
        Ok((self.estimator.begin(batch.x, condition, first as u64)?, self.read - first))
    }

    /// Asks the network about the current batch, or the next one if nothing is left to ask. False if there is none.
    fn pass(&mut self) -> Result<bool> {
        loop {
            let (mut batch, count) = match self.batch.take() {
                Some(batch) => batch,
                None if self.read < self.n => self.read()?,
                None => return Ok(false),
            };
            if self.estimator.ask(&mut batch, self.model)? {
                self.passes += count;
                self.batch = Some((batch, count));
                return Ok(true);
            }
            self.estimator.end(batch);
        }
    }
}

impl Iterator for BoundMeasurement<'_> {
    type Item = Result<f64>;

    fn next(&mut self) -> Option<Result<f64>> {
        match self.pass() {
            Ok(true) => Some(Ok(self.passes as f64 / (self.n * self.estimator.evaluations()) as f64)),
            Ok(false) => None,
            Err(error) => {
                self.read = self.n;
                Some(Err(error))
            }
        }
    }
}
