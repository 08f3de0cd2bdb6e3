use crate::{Error, Result};
use serde::{Deserialize, Serialize};

/// How a few sampling steps are spread over the T steps of training (Lin et al. 2024, table 2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Spacing {
    /// Multiples of ⌊T / steps⌋ from 0 up: includes the first index, and may stop short of the noisiest.
    Leading,
    /// Multiples of T / steps from T down, less one: includes the noisiest index. The one for a schedule that ends
    /// in pure noise.
    Trailing,
    /// Evenly from 0 to T − 1, both included.
    Linspace,
}

impl Spacing {
    /// The name in configurations.
    pub fn name(self) -> &'static str {
        match self {
            Spacing::Leading => "leading",
            Spacing::Trailing => "trailing",
            Spacing::Linspace => "linspace",
        }
    }
}

/// The times that a sampler visits, noisiest first: a list of hops between indices of the schedule.
///
/// A hop that ends at `None` ends at the clean picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grid {
    hops: Vec<(usize, Option<usize>)>,
}

impl Grid {
    /// `steps` hops over a schedule of `timesteps` indices, each ending where the next begins, the last at the clean
    /// picture. `offset` is added to the indices of [`Spacing::Leading`]. Fractions are rounded half to even.
    ///
    /// ```
    /// use tweedie_diffusion::{Grid, Spacing};
    /// let grid = |spacing| Grid::new(10, 4, spacing, 0).map(|grid| grid.times());
    /// assert_eq!(grid(Spacing::Leading)?, [6, 4, 2, 0]);
    /// assert_eq!(grid(Spacing::Trailing)?, [9, 7, 4, 1]); // 10, 7.5, 5, 2.5, less one
    /// assert_eq!(grid(Spacing::Linspace)?, [9, 6, 3, 0]);
    /// # Ok::<(), tweedie_diffusion::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Parameter`] when `steps` is 0 or above `timesteps`, or the offset leads out of the schedule.
    pub fn new(timesteps: usize, steps: usize, spacing: Spacing, offset: usize) -> Result<Grid> {
        if steps == 0 || steps > timesteps {
            let why = format!("must be 1 to {timesteps}, the number of steps that the schedule has");
            return Err(Error::parameter("sampling", "steps", steps, why));
        }
        let times: Vec<usize> = match spacing {
            Spacing::Leading => {
                let stride = timesteps / steps;
                let times: Vec<usize> = (0..steps).rev().map(|i| offset.saturating_add(i * stride)).collect();
                if times[0] >= timesteps {
                    let why = format!("leads to t = {}, beyond the schedule's {timesteps} steps", times[0]);
                    return Err(Error::parameter("sampling", "steps_offset", offset, why));
                }
                times
            }
            Spacing::Trailing => {
                let end = timesteps as f64;
                // The stride as numpy's `arange` rounds it: where the true value is a half, that decides.
                let stride = (end - end / steps as f64) - end;
                (0..steps).map(|i| (end + i as f64 * stride).round_ties_even() as usize - 1).collect()
            }
            Spacing::Linspace => {
                let stride = (timesteps - 1) as f64 / (steps - 1).max(1) as f64;
                (0..steps).rev().map(|i| (i as f64 * stride).round_ties_even() as usize).collect()
            }
        };
        Grid::from_times(&times)
    }

    /// The hops between given indices, noisiest first, the last hop ending at the clean picture.
    ///
    /// # Errors
    /// [`Error::Parameter`] when there is none, or they do not fall.
    pub fn from_times(times: &[usize]) -> Result<Grid> {
        if times.is_empty() || times.windows(2).any(|pair| pair[0] <= pair[1]) {
            let why = "there must be at least one, and they must fall";
            return Err(Error::parameter("sampling", "times", format!("{times:?}"), why));
        }
        let next = times[1..].iter().copied().map(Some).chain([None]);
        Ok(Grid { hops: times.iter().copied().zip(next).collect() })
    }

    /// The same times, each hop ending `stride` indices below its start (below 0: at the clean picture), wherever
    /// the next begins. diffusers' DDIM does so with stride ⌊T / steps⌋; where the spacing is not even, the sample
    /// is then taken to be a little more or less noisy than it is.
    pub fn with_stride(mut self, stride: usize) -> Grid {
        for (from, to) in &mut self.hops {
            *to = from.checked_sub(stride);
        }
        self
    }

    /// The same hops, those to the clean picture ending at index 0 instead: diffusers' `set_alpha_to_one = false`.
    pub fn ending_at_first_index(mut self) -> Grid {
        for (_, to) in &mut self.hops {
            *to = to.or(Some(0));
        }
        self
    }

    /// The hops, as (from, to).
    pub fn hops(&self) -> &[(usize, Option<usize>)] {
        &self.hops
    }

    /// The indices at which the denoiser is asked, noisiest first.
    pub fn times(&self) -> Vec<usize> {
        self.hops.iter().map(|hop| hop.0).collect()
    }
}
