//! What every operation on a batch asks of its arguments.

use crate::{Error, Result};
use tweedie_tensor::Shape;

/// Refuses a batch that does not have one time for each sample.
pub(crate) fn one_time_each(op: &'static str, shape: &Shape, times: usize) -> Result<()> {
    one_each(op, shape, "times", times)
}

/// Refuses a batch that does not have one of `what` for each sample.
pub(crate) fn one_each(op: &'static str, shape: &Shape, what: &'static str, given: usize) -> Result<()> {
    let samples = shape.first().copied().unwrap_or(1);
    if given != samples {
        return Err(Error::Count { op, what, given, samples, shape: *shape });
    }
    Ok(())
}
