use crate::{Error, Result};
use serde::{Deserialize, Serialize};
use std::ops::Range;
use tweedie_tensor::random::{Purpose, Stream};

/// How training draws the index t of each sample: always evenly over 0..T, and a pure function of the seed, the step
/// and the sample's place in the batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TimestepSampling {
    /// Each sample's t by itself.
    Uniform,
    /// One t in each of as many equal parts of 0..T as the batch has samples, in random order: a batch sees early
    /// and late times in proportion, and the loss fluctuates less (compare Kingma et al. 2021, appendix I.1).
    Stratified,
}

impl TimestepSampling {
    /// The indices of the samples `range` of a batch of `batch`, over a schedule of `timesteps` steps. Whoever draws
    /// the samples of a batch in parts gets what one draw of all gives.
    ///
    /// # Errors
    /// [`Error::Parameter`] when `timesteps` is 0 (or above 2³²), or the range leaves the batch.
    pub fn draw(
        self,
        timesteps: usize,
        batch: usize,
        range: Range<usize>,
        seed: u64,
        step: u64,
    ) -> Result<Vec<usize>> {
        const WHAT: &str = "drawing times";
        let Some(choices) = u32::try_from(timesteps).ok().filter(|&choices| choices > 0) else {
            return Err(Error::parameter(WHAT, "timesteps", timesteps, "must be 1 to 2^32 - 1"));
        };
        if range.end > batch {
            let why = format!("leaves a batch of {batch}");
            return Err(Error::parameter(WHAT, "range", format!("{range:?}"), why));
        }
        let stream = |sample: usize| Stream::new(seed, Purpose::Timestep, step, sample as u64);
        Ok(match self {
            TimestepSampling::Uniform => range.map(|i| stream(i).below(choices) as usize).collect(),
            TimestepSampling::Stratified => {
                // The streams 0..batch are the samples' own; the next is the order's.
                let order = stream(batch).permutation(batch);
                range
                    .map(|i| {
                        let place = (order[i] as f64 + stream(i).uniform()) / batch as f64;
                        ((place * timesteps as f64) as usize).min(timesteps - 1)
                    })
                    .collect()
            }
        })
    }
}
