use crate::purpose;
use crate::{Error, Result, Schedule};
use serde::{Deserialize, Serialize};
use std::ops::Range;
use tweedie_tensor::Tensor;
use tweedie_tensor::random::Stream;

/// How training draws the index t of each sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TimestepSampling {
    /// Evenly, each sample's t by itself.
    Uniform,
    /// Evenly, one t in each of as many equal parts of 0..T as the batch has samples, in random order: a batch sees
    /// early and late times in proportion, and the loss fluctuates less (compare Kingma et al. 2021, appendix I.1).
    Stratified,
    /// In proportion to the root mean square of the last ten losses at each t, which makes a bound's estimate least
    /// noisy (Nichol and Dhariwal 2021, eq. 18); evenly until every t has ten.
    LossAware,
}

/// Draws the indices t of training batches: a pure function of the seed, the step, the sample's place in the batch and,
/// where losses count, of those that were recorded.
#[derive(Debug, Clone)]
pub struct TimestepSampler {
    sampling: TimestepSampling,
    timesteps: usize,
    history: LossHistory,
}

/// One drawn time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TimestepDraw {
    /// The index.
    pub t: usize,
    /// What the sample's loss is to be multiplied by so that its mean is that of evenly drawn times: 1/(T p_t).
    pub importance: f64,
}

/// The last losses at each index.
#[derive(Debug, Clone, PartialEq, Default)]
struct LossHistory {
    /// Oldest first, [`LossHistory::KEPT`] for each index; in f32, as they are saved.
    losses: Vec<f32>,
    /// How many of each index's are there.
    counts: Vec<usize>,
}

impl LossHistory {
    const KEPT: usize = 10;
    /// The share of draws that stays even, so that no time is forgotten.
    const EVEN_SHARE: f64 = 0.001;

    fn record(&mut self, t: usize, loss: f64) {
        let kept = &mut self.losses[t * Self::KEPT..][..Self::KEPT];
        let count = &mut self.counts[t];
        if *count == Self::KEPT {
            kept.rotate_left(1);
            *count -= 1;
        }
        kept[*count] = loss as f32;
        *count += 1;
    }

    /// p_t; `None` until every index has its losses.
    fn probabilities(&self) -> Option<Vec<f64>> {
        if self.counts.iter().any(|&count| count < Self::KEPT) {
            return None;
        }
        let root_mean_square = |losses: &[f32]| {
            let squares: f64 = losses.iter().map(|&loss| f64::from(loss) * f64::from(loss)).sum();
            (squares / Self::KEPT as f64).sqrt()
        };
        let sizes: Vec<f64> = self.losses.chunks(Self::KEPT).map(root_mean_square).collect();
        let (total, even) = (sizes.iter().sum::<f64>(), 1.0 / sizes.len() as f64);
        let share = |size: f64| if total > 0.0 { size / total } else { even };
        Some(
            sizes
                .into_iter()
                .map(|s| (1.0 - Self::EVEN_SHARE) * share(s) + Self::EVEN_SHARE * even)
                .collect(),
        )
    }
}

impl TimestepSampler {
    /// A sampler over a schedule of `timesteps` steps, without any losses yet.
    ///
    /// # Errors
    /// [`Error::Parameter`] when `timesteps` is 0, or above what a schedule can have.
    pub fn new(sampling: TimestepSampling, timesteps: usize) -> Result<TimestepSampler> {
        Schedule::check_timesteps(timesteps)?;
        let history = match sampling {
            TimestepSampling::LossAware => {
                LossHistory { losses: vec![0.0; timesteps * LossHistory::KEPT], counts: vec![0; timesteps] }
            }
            _ => LossHistory::default(),
        };
        Ok(TimestepSampler { sampling, timesteps, history })
    }

    /// The times of the samples `range` of a batch of `batch`. Whoever draws the samples of a batch in parts gets what
    /// one draw of all gives.
    ///
    /// # Errors
    /// [`Error::Parameter`] when the range leaves the batch.
    pub fn draw(&self, batch: usize, range: Range<usize>, seed: u64, step: u64) -> Result<Vec<TimestepDraw>> {
        if range.end > batch {
            let why = format!("leaves a batch of {batch}");
            return Err(Error::parameter("drawing times", "range", format!("{range:?}"), why));
        }
        let timesteps = self.timesteps;
        let stream = |sample: usize| Stream::new(seed, purpose::TIMESTEP, step, sample as u64);
        let even = |t: usize| TimestepDraw { t, importance: 1.0 };
        let uniform = |i: usize| even(stream(i).below(timesteps as u32) as usize);
        Ok(match self.sampling {
            TimestepSampling::Uniform => range.map(uniform).collect(),
            TimestepSampling::Stratified => {
                // The streams 0..batch are the samples' own; the next is the order's.
                let order = stream(batch).permutation(batch);
                let stratum = |i: usize| {
                    let place = (order[i] as f64 + stream(i).uniform()) / batch as f64;
                    even(((place * timesteps as f64) as usize).min(timesteps - 1))
                };
                range.map(stratum).collect()
            }
            TimestepSampling::LossAware => match self.history.probabilities() {
                None => range.map(uniform).collect(),
                Some(probabilities) => {
                    let cumulative: Vec<f64> = probabilities
                        .iter()
                        .scan(0.0, |sum, p| {
                            *sum += p;
                            Some(*sum)
                        })
                        .collect();
                    let place = |i: usize| {
                        let u = stream(i).uniform() * cumulative[timesteps - 1];
                        let t = cumulative.partition_point(|&sum| sum <= u).min(timesteps - 1);
                        TimestepDraw { t, importance: 1.0 / (timesteps as f64 * probabilities[t]) }
                    };
                    range.map(place).collect()
                }
            },
        })
    }

    /// Takes note of the losses that samples at the drawn times had, before their importance.
    pub fn record(&mut self, draws: &[TimestepDraw], losses: &[f64]) {
        if self.sampling == TimestepSampling::LossAware {
            for (draw, &loss) in draws.iter().zip(losses) {
                self.history.record(draw.t, loss);
            }
        }
    }

    /// What has been recorded: for each index as a row \[T, 11\], its losses, oldest first, and how many there are.
    /// `None` where losses do not count.
    pub fn state(&self) -> Option<Tensor<f32>> {
        let LossHistory { losses, counts } = &self.history;
        let width = LossHistory::KEPT + 1;
        (self.sampling == TimestepSampling::LossAware).then(|| {
            Tensor::from_fn([self.timesteps, width], |i| match (i / width, i % width) {
                (t, LossHistory::KEPT) => counts[t] as f32,
                (t, k) => losses[t * LossHistory::KEPT + k],
            })
        })
    }

    /// Puts back what [`TimestepSampler::state`] gave.
    ///
    /// # Errors
    /// [`Error::Parameter`] for a state of another schedule, or one that no sampler gave.
    pub fn restore(&mut self, state: &Tensor<f32>) -> Result<()> {
        let width = LossHistory::KEPT + 1;
        let refuse = |why: String| Err(Error::parameter("loss-aware times", "state", state.shape(), why));
        if self.sampling != TimestepSampling::LossAware || state.dims() != [self.timesteps, width] {
            return refuse(format!("must be of a loss-aware run over {} steps", self.timesteps));
        }
        let rows = || state.as_slice().chunks(width);
        let counts: Vec<usize> = rows().map(|row| row[LossHistory::KEPT] as usize).collect();
        if !state.all_finite() || counts.iter().any(|&count| count > LossHistory::KEPT) {
            return refuse("holds what no run records".to_string());
        }
        let losses = rows().flat_map(|row| row[..LossHistory::KEPT].iter().copied()).collect();
        self.history = LossHistory { losses, counts };
        Ok(())
    }
}
