use super::pictures::Pictures;
use crate::data::Source;
use crate::{Model, Result};
use std::ops::ControlFlow;
use tweedie_diffusion::{Bound, BoundEstimate, BoundEstimator, Clip, Decoder, VarianceKind};

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

/// Measures the model's variational bound on pictures of `source`, calling `watch` with the share that is done.
/// `None` if that stopped it.
///
/// # Errors
/// Data that do not fit the model or cannot be read; an output that is not finite.
pub fn bound(
    model: &Model,
    source: &dyn Source,
    request: &BoundRequest,
    mut watch: impl FnMut(f64) -> ControlFlow<()>,
) -> Result<Option<BoundEstimate>> {
    let bound = Bound::new(model.schedule()?, request.variance).clip(request.clip).decoder(request.decoder);
    let mut estimator = BoundEstimator::new(bound, request.per_picture, request.seed)?;
    let mut pictures = Pictures::new(model, source, request.seed)?;
    let n = request.pictures.min(source.len());
    let whole = (n * estimator.evaluations()) as f64;
    let mut done = 0;
    for first in (0..n).step_by(request.at_a_time.max(1)) {
        let numbers = first..n.min(first + request.at_a_time.max(1));
        let count = numbers.len();
        let (batch, condition) = pictures.read(numbers)?;
        let goes_on = estimator.add_with(model, &batch.x, &condition, first as u64, || {
            done += count;
            watch(done as f64 / whole)
        })?;
        if goes_on.is_break() {
            return Ok(None);
        }
    }
    Ok(Some(estimator.estimate()))
}
